# syntax=docker/dockerfile:1
# The export worker. Built from the repository's root: docker build --file gpu_container/export.Dockerfile .
#
# Not the image of the segmentation worker: without CUDA and onnxruntime it is a tenth of its size, and starts on
# Fargate in less than a minute.
ARG PYTHON_IMAGE=python:3.13.9-slim-bookworm

FROM ghcr.io/astral-sh/uv:0.13.9 AS uv

FROM ${PYTHON_IMAGE} AS build
COPY --from=uv /uv /usr/local/bin/uv
ENV UV_PROJECT_ENVIRONMENT=/opt/venv \
    UV_PYTHON_DOWNLOADS=never \
    UV_COMPILE_BYTECODE=1 \
    UV_LINK_MODE=copy
WORKDIR /build
COPY pyproject.toml uv.lock ./
RUN --mount=type=cache,target=/root/.cache/uv \
    uv sync --locked --no-default-groups --no-install-project --extra export-worker

FROM ${PYTHON_IMAGE}
RUN useradd --system --uid 10001 --user-group --no-create-home --shell /usr/sbin/nologin worker
COPY --from=build /opt/venv /opt/venv
WORKDIR /app
COPY layers/common/python/spheroseg spheroseg
COPY gpu_container/export_worker export_worker
ENV PATH=/opt/venv/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    MPLCONFIGDIR=/tmp/matplotlib \
    POWERTOOLS_SERVICE_NAME=export_worker \
    POWERTOOLS_TRACE_DISABLED=true
USER 10001:10001
STOPSIGNAL SIGTERM
# No shell in between: the worker itself gets SIGTERM, gives back what it has in hand, and ends.
ENTRYPOINT ["python", "-m", "export_worker"]
