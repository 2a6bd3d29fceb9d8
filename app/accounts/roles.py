"""What callers may do: a role in a workspace, or that of the installation's administrators."""

from __future__ import annotations

from collections.abc import Mapping, Set
from dataclasses import dataclass, field
from typing import Literal, get_args

from configs.errors import PlaygroundError

Role = Literal["viewer", "editor", "admin"]
"""A viewer reads and asks, an editor changes content, an admin decides about the workspace; each may what the one
before may.
"""
ROLES: tuple[Role, ...] = get_args(Role)
Requirement = Literal["caller", "viewer", "editor", "admin", "installation"]
"""What an operation needs: any caller, a role in the workspace it names, or an administrator of the installation."""


class ForbiddenError(PlaygroundError):
    """The caller is known, and may not do this."""

    status = 403
    code = "forbidden"


def rank(role: Role) -> int:
    """Return a number that is larger for a role that may more."""
    return ROLES.index(role)


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """Who sends a request, and what they may.

    `name` is kept with what the request changes. `roles` are those of the member. A key may bring less than its member
    has: `at_most` bounds the role, `only` the workspaces.
    """

    name: str
    member_id: str | None = None
    key_id: str | None = None
    is_administrator: bool = False
    roles: Mapping[str, Role] = field(default_factory=dict)
    at_most: Role | None = None
    only: Set[str] | None = None

    def role_in(self, workspace_id: str) -> Role | None:
        """Return the caller's role in a workspace, None where they have none."""
        if self.only is not None and workspace_id not in self.only:
            return None
        role = "admin" if self.is_administrator else self.roles.get(workspace_id)
        if role is None or self.at_most is None:
            return role
        return min(role, self.at_most, key=rank)

    @property
    def is_bounded(self) -> bool:
        """Tell whether the key brings less than its member has."""
        return self.at_most is not None or self.only is not None

    @property
    def may_administrate(self) -> bool:
        """Tell whether the caller may what only administrators of the installation may: no bounded key may."""
        return self.is_administrator and not self.is_bounded

    @property
    def visible(self) -> frozenset[str] | None:
        """Return the workspaces that the caller sees, None for all of them."""
        if self.is_administrator:
            return None if self.only is None else frozenset(self.only)
        return frozenset(one for one in self.roles if self.role_in(one) is not None)

    def check_role(self, needed: Role, workspace_id: str) -> bool:
        """Tell whether the caller has a role in the workspace at all; raise ForbiddenError where it is too small."""
        role = self.role_in(workspace_id)
        if role is None:
            return False
        if rank(role) < rank(needed):
            raise ForbiddenError(
                f"{self.name} is {role} of workspace {workspace_id!r} with this key; this needs the role {needed}",
                hint="ask an admin of the workspace for the role, or use a key that is not bounded to less",
            )
        return True

    def check_administrator(self) -> None:
        """Raise ForbiddenError unless the caller is an administrator of the installation."""
        if not self.may_administrate:
            raise ForbiddenError(
                f"{self.name} is no administrator of the installation, or uses a key that is bounded to less",
                hint="ask an administrator of the installation, or use an unbounded key of one",
            )


ON_THIS_MACHINE = Caller(name="this machine, without a key", is_administrator=True)
ENVIRONMENT_KEY = Caller(name="holder of PLAYGROUND_API_KEY", is_administrator=True)
