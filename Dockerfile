# Two images: `serve` runs in clusters; `train` can also make a model, and never runs in one.
#
#   docker build --target serve -t podgate:0.1.0 .
#   docker build --target train -t podgate-train:0.1.0 .

# What packages are compiled for must be what runs them: one version for all stages. Not Alpine: some packages have no
# wheels for its C library.
ARG PYTHON=3.12

FROM python:${PYTHON}-slim AS build
WORKDIR /build
# What changes seldom comes first. Every package is held against the hash in its lock, and none is built from source.
COPY requirements/uv.txt requirements/serve.txt requirements/
RUN python -m venv /build/tools \
 && /build/tools/bin/pip install --no-cache-dir --disable-pip-version-check --require-hashes -r requirements/uv.txt \
 && python -m venv --without-pip /opt/podgate \
 && /build/tools/bin/uv pip install --no-cache --python /opt/podgate/bin/python --require-hashes --only-binary :all: \
      -r requirements/serve.txt
COPY requirements/dev.txt requirements/
COPY pyproject.toml README.md LICENSE ./
COPY policies policies
COPY certs certs
COPY webhook webhook
# The lock of development holds the hashes of what builds the wheel; nothing else of it is used.
RUN /build/tools/bin/uv build --no-cache --wheel --python /opt/podgate/bin/python --require-hashes \
      --build-constraints requirements/dev.txt --out-dir dist \
 && /build/tools/bin/uv pip install --no-cache --python /opt/podgate/bin/python --no-deps --no-index dist/*.whl

FROM build AS train-build
COPY requirements/train.txt requirements/
RUN /build/tools/bin/uv pip install --no-cache --python /opt/podgate/bin/python --require-hashes --only-binary :all: \
      -r requirements/train.txt \
 && /opt/podgate/bin/python -m compileall -q --invalidation-mode unchecked-hash /opt/podgate/lib

FROM build AS serve-build
# Where the file system is read-only nothing could be compiled later, and every start would do it anew.
RUN /opt/podgate/bin/python -m compileall -q --invalidation-mode unchecked-hash /opt/podgate/lib

FROM python:${PYTHON}-slim AS base
ARG VERSION=0.1.0
ARG REVISION=unknown
LABEL org.opencontainers.image.title="Podgate" \
      org.opencontainers.image.description="A Kubernetes validating admission webhook that judges pods" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}"
ENV PATH=/opt/podgate/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1
# By number: Kubernetes cannot tell of a name whether it is root.
USER 65532:65532
WORKDIR /
ENTRYPOINT ["/opt/podgate/bin/podgate"]

FROM base AS train
COPY --from=train-build /opt/podgate /opt/podgate
CMD ["train", "--help"]

# The last one, so that it is what is built when no target is named.
FROM base AS serve
COPY --from=serve-build /opt/podgate /opt/podgate
EXPOSE 8443 8080
# For whoever runs it without Kubernetes, which has probes of its own. PODGATE_OPS_PORT is the setting of the server.
HEALTHCHECK --interval=10s --timeout=3s --start-period=20s \
  CMD ["/opt/podgate/bin/python", "-c", "import os, urllib.request as r; r.urlopen('http://127.0.0.1:%s/healthz' % os.environ.get('PODGATE_OPS_PORT', '8080'), timeout=2)"]
CMD ["serve"]
