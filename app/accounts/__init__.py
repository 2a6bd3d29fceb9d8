"""Who may call the service: members, their roles in workspaces, and their API keys."""
