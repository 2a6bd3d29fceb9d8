"""Personalisation under test: does a user's own profile help, or would anybody's have done the same?"""
