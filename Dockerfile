# The service in one image, its embedding model inside. TORCH_INDEX_URL names an additional package index that offers CPU
# builds of PyTorch; without it, pip takes the default build, which brings several gigabytes of GPU libraries.
FROM python:3.11.14-slim-bookworm AS builder
ARG TORCH_INDEX_URL=""
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
RUN python -m venv /opt/venv
ENV PATH=/opt/venv/bin:$PATH
WORKDIR /build

# The dependencies are a layer of their own: a change of the source does not install them again.
COPY pyproject.toml constraints.txt ./
RUN python -c "import tomllib; project = tomllib.load(open('pyproject.toml', 'rb'))['project']; \
      print(*project['dependencies'], *project['optional-dependencies']['office'], sep='\n')" > requirements.txt \
    && pip install -c constraints.txt ${TORCH_INDEX_URL:+--extra-index-url "$TORCH_INDEX_URL"} -r requirements.txt

COPY README.md LICENSE NOTICE ./
COPY docs/guide docs/guide
COPY configs configs
COPY indexes indexes
COPY ingest ingest
COPY app app
RUN pip install --no-deps .

FROM python:3.11.14-slim-bookworm
# `backup` and `restore` of a PostgreSQL call its own programs, of the server's version or newer; Debian's are of 15.
# Raise the 18 with the database's image in compose.team.yaml; the project's repository keeps the newest release of each.
ADD --checksum=sha256:0144068502a1eddd2a0280ede10ef607d1ec592ce819940991203941564e8e76 --chmod=644 \
    https://www.postgresql.org/media/keys/ACCC4CF8.asc /usr/share/keyrings/postgresql.asc
RUN echo "deb [signed-by=/usr/share/keyrings/postgresql.asc] https://apt.postgresql.org/pub/repos/apt bookworm-pgdg main" \
      > /etc/apt/sources.list.d/postgresql.list \
    && apt-get update \
    && apt-get install --yes --no-install-recommends postgresql-client-18=18.* \
    && rm -rf /var/lib/apt/lists/* \
    && pg_dump --version \
    && pg_restore --version
RUN groupadd --gid 10001 playground \
    && useradd --uid 10001 --gid playground --home-dir /data --no-create-home --shell /usr/sbin/nologin playground \
    && install --directory --owner playground --group playground /data
COPY --from=builder /opt/venv /opt/venv
ENV PATH=/opt/venv/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    PLAYGROUND_HOST=0.0.0.0 \
    PLAYGROUND_PORT=8000 \
    PLAYGROUND_DATA_FOLDER=/data
USER 10001:10001
WORKDIR /data
# The shipped model is loaded once by the user that will run it: this checks the SHA-256 of its weights too.
RUN ["python", "-c", "from ingest.embedders.sentence_transformer import SentenceTransformer as E; assert E(kind='sentence_transformer').encode_query('Is the model here?').shape == (384,)"]
VOLUME /data
EXPOSE 8000
HEALTHCHECK --interval=30s --timeout=5s --start-period=60s --retries=3 \
    CMD ["python", "-c", "import os, urllib.request as r; r.urlopen(f\"http://127.0.0.1:{os.environ['PLAYGROUND_PORT']}/health/live\", timeout=4)"]
CMD ["context-playground", "serve"]
