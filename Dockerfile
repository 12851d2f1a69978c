# The image of rigspec for CI. `make dist` writes the wheel first, then:
#   docker build --tag rigspec .
#   docker run --rm --volume "$PWD:/rig" rigspec rigspec check
ARG BASE=debian:13-slim

FROM ${BASE} AS build
# The security updates of Debian matter more than the same packages.
# hadolint ignore=DL3008
RUN apt-get update \
    && DEBIAN_FRONTEND=noninteractive apt-get install --yes --no-install-recommends python3 python3-venv \
    && rm -rf /var/lib/apt/lists/*
COPY dist/*.whl /tmp/dist/
RUN python3 -m venv /opt/rigspec \
    && /opt/rigspec/bin/pip install --no-cache-dir "$(echo /tmp/dist/rigspec-*.whl)[all]" \
    && /opt/rigspec/bin/pip uninstall --yes pip

FROM ${BASE}
LABEL org.opencontainers.image.title="rigspec" \
      org.opencontainers.image.description="A compiler for deep-learning machines" \
      org.opencontainers.image.source="https://github.com/rigspec/rigspec" \
      org.opencontainers.image.licenses="Apache-2.0"
# hadolint ignore=DL3008
RUN apt-get update \
    && DEBIAN_FRONTEND=noninteractive apt-get install --yes --no-install-recommends ca-certificates git gpgv python3 \
    && rm -rf /var/lib/apt/lists/*
COPY --from=build /opt/rigspec /opt/rigspec
ENV PATH=/opt/rigspec/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
    PYTHONUNBUFFERED=1
# The user is root and there is no entry point, as GitHub Actions and GitLab CI require.
WORKDIR /rig
CMD ["rigspec", "--help"]
