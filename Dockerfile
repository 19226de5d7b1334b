# Two stages: a static binary, and nothing but it. Build: docker build --build-arg BUILD_REVISION=$(git rev-parse --short=12 HEAD) .

FROM rust:1.95-alpine AS build
# A C compiler for the TLS library; the toolchain of this image links musl statically.
# hadolint ignore=DL3018
RUN apk add --no-cache build-base ca-certificates
WORKDIR /build
# Dependencies first: this layer is kept until Cargo.lock changes.
COPY Cargo.toml Cargo.lock rust-toolchain.toml build.rs ./
RUN mkdir src && echo 'fn main() {}' > src/main.rs && touch src/lib.rs \
    && RUSTUP_TOOLCHAIN=1.95.0 cargo build --release --locked && rm -r src
COPY askama.toml ./
COPY src src
COPY templates templates
# What the program embeds for `artifacts`.
COPY dashboards dashboards
COPY docs/alerts.md docs/alerts.md
COPY docs/runbooks docs/runbooks
COPY packaging/compose packaging/compose
ARG BUILD_REVISION
RUN mkdir /data && touch src/main.rs src/lib.rs && RUSTUP_TOOLCHAIN=1.95.0 cargo build --release --locked

FROM scratch
LABEL org.opencontainers.image.title="ccaas-exporter" \
      org.opencontainers.image.description="Prometheus exporter for the API usage and billing figures of contact-centre clouds" \
      org.opencontainers.image.licenses="Apache-2.0"
COPY --from=build /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/ca-certificates.crt
COPY --from=build /build/target/release/ccaas-exporter /ccaas-exporter
# Figures outlive the container where /data is a volume.
COPY --from=build --chown=65532:65532 /data /data
ENV CCAAS_EXPORTER_STORAGE_PATH=/data
VOLUME /data
# Nobody; there is no shell and no package in the image.
USER 65532:65532
WORKDIR /etc/ccaas-exporter
EXPOSE 10088
ENTRYPOINT ["/ccaas-exporter"]
