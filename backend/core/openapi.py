"""What openapi.json says of the API as a whole. No reference page is served."""

from datetime import datetime
from typing import Any

import msgspec
from litestar import Request, Response, get
from litestar._openapi.schema_generation import SchemaCreator
from litestar.openapi.config import OpenAPIConfig
from litestar.openapi.plugins import JsonRenderPlugin
from litestar.openapi.spec import (
    Components,
    License,
    OpenAPIType,
    Schema,
    SecurityScheme,
    Server,
    Tag,
)
from litestar.plugins import OpenAPISchemaPlugin
from litestar.typing import FieldDefinition

from backend.core.caching import cacheable
from backend.core.guards import PUBLIC

VERSION = "1.0.0"
WALL_CLOCK = r"^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(:\d{2})?$"


def openapi_config() -> OpenAPIConfig:
    """The head of the document; operations describe themselves."""
    return OpenAPIConfig(
        title="Exit 10",
        version=VERSION,
        summary="Rallies, shifts, safety and alerts, without knowing who takes part.",
        description=(
            "Every error is an RFC 9457 problem. Tokens are 32 random bytes that the client makes, "
            "sent as a bearer token and kept only as a keyed digest. Fields that are not described "
            "here are refused. Any request may be repeated."
        ),
        license=License(name="AGPL-3.0-or-later", identifier="AGPL-3.0-or-later"),
        servers=[Server(url="/")],
        use_handler_docstrings=True,
        create_examples=False,
        components=Components(
            security_schemes={
                "token": SecurityScheme(
                    type="http",
                    scheme="bearer",
                    description="A capability token: 32 random bytes, base64url without padding.",
                )
            }
        ),
        tags=[
            Tag(name="events", description="Series of gatherings and their occurrences"),
            Tag(name="notices", description="What the police are told, and by when"),
            Tag(name="places", description="Where gatherings are held"),
            Tag(name="push", description="A phone's subscription to alerts"),
            Tag(name="alerts", description="What organisers tell phones"),
            Tag(name="coalition", description="Organisers, invites and access tokens"),
            Tag(name="health", description="For operators"),
        ],
        path="/openapi",
        render_plugins=[JsonRenderPlugin()],
    )


class LocalTimes(OpenAPISchemaPlugin):
    """Tells of times on the wall as such: a `date-time` would promise an offset (RFC 3339)."""

    def is_plugin_supported_field(self, field_definition: FieldDefinition) -> bool:
        """Whether a field is a datetime that must not have an offset."""
        return field_definition.annotation is datetime and any(
            isinstance(each, msgspec.Meta) and each.tz is False
            for each in field_definition.metadata
        )

    def to_openapi_schema(
        self,
        field_definition: FieldDefinition,  # noqa: ARG002 - all such fields are alike
        schema_creator: SchemaCreator,  # noqa: ARG002
    ) -> Schema:
        """The schema of such a field."""
        return Schema(type=OpenAPIType.STRING, pattern=WALL_CLOCK)


@get("/openapi.json", opt=PUBLIC, include_in_schema=False, sync_to_thread=False)
def document(request: Request[Any, Any, Any]) -> Response[bytes]:
    """The document itself, from which clients are made."""
    return cacheable(request, request.app.openapi_schema.to_schema(), max_age=300)


ROUTES = [document]
