"""The application: context assembly, evaluation, HTTP."""
