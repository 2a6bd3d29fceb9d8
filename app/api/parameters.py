"""Parameters that many operations share, with examples that name objects of the demo workspace."""

from __future__ import annotations

from typing import Annotated, Any, Generic, TypeVar

from fastapi import Path, Query
from pydantic import BaseModel, Field, JsonValue, StringConstraints

from app.context.users.known import UserName
from configs.text import Text

NAME_PATTERN = r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,62}$"


def example(value: str) -> dict[str, Any]:
    """Return what lets Swagger UI fill in a parameter."""
    return {"demo": {"summary": "of the demo workspace", "value": value}}


Name = Annotated[str, StringConstraints(pattern=NAME_PATTERN)]
Tag = Annotated[Text, StringConstraints(min_length=1, max_length=100)]
Tags = Annotated[list[Tag], Field(max_length=100)]
Title = Annotated[Text, StringConstraints(min_length=1, max_length=500)]
PrincipalName = Annotated[Text, StringConstraints(min_length=1, max_length=200)]
Principals = Annotated[list[PrincipalName], Field(max_length=200)]
Metadata = Annotated[dict[Text, JsonValue], Field(max_length=100)]
QuestionText = Annotated[Text, StringConstraints(min_length=1, max_length=10_000, pattern=r"\S")]

WorkspaceId = Annotated[Name, Path(description="id of a workspace", openapi_examples=example("demo"))]
DocumentId = Annotated[Name, Path(description="id of a document", openapi_examples=example("demo-searching"))]
DisposableDocumentId = Annotated[
    Name, Path(description="id of a document", openapi_examples=example("demo-disposable"))
]
StrategyName = Annotated[Name, Path(description="name of a strategy", openapi_examples=example("default"))]
AliasName = Annotated[Name, Path(description="name of an alias", openapi_examples=example("demo-bot"))]
IndexId = Annotated[Name, Path(description="id of an index", openapi_examples=example("demo-default"))]
JobId = Annotated[Name, Path(description="id of a job", openapi_examples=example("demo-ingest"))]
ContextId = Annotated[Name, Path(description="id of a context", openapi_examples=example("demo-context"))]
UserId = Annotated[
    UserName, Path(description="id of a user, as your own product knows it", openapi_examples=example("ann"))
]
DisposableUserId = Annotated[UserName, Path(description="id of a user", openapi_examples=example("disposable"))]
FactKey = Annotated[Name, Path(description="key of a fact", openapi_examples=example("city"))]
Limit = Annotated[int, Query(ge=1, le=200, description="most items in the answer")]
Cursor = Annotated[str | None, Query(max_length=500, description="`next_cursor` of the page before")]

Item = TypeVar("Item")


class Page(BaseModel, Generic[Item]):
    """A page of a listing."""

    items: list[Item]
    next_cursor: str | None = Field(None, description="give it as `cursor` to get the next page; null on the last one")


PRINCIPALS_DESCRIPTION = (
    "on whose behalf: names such as `user:ann` or `group:finance`, checked against the documents' access lists; "
    "documents without a list are open to everyone in the workspace"
)
