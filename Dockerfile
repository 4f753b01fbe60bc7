FROM rust:1-slim-bookworm AS build
WORKDIR /adda

# Dependencies change rarely and take most of the time: built against an empty crate, they are a layer of their own.
COPY Cargo.toml Cargo.lock ./
RUN mkdir -p src/cli tests && printf '//! Empty.\nfn main() {}\n' | tee src/cli/main.rs >tests/chaos.rs && echo '//! Empty.' >src/lib.rs \
  && cargo build --release --locked

# The browser client and the built-in defaults become part of the binary.
COPY config/default.toml config/
COPY public public
COPY src src
# COPY keeps the files' times, which may be older than the empty crate's: without touch it would count as up to date.
RUN touch src/cli/main.rs src/lib.rs && cargo build --release --locked

FROM debian:bookworm-slim
# A new volume on the folder of files gets its owner.
RUN useradd --uid 10001 --no-create-home --shell /usr/sbin/nologin adda \
  && install -d -o 10001 -g 10001 -m 750 /var/lib/adda/files
COPY --from=build /adda/target/release/adda /usr/local/bin/adda
USER 10001:10001
EXPOSE 3000
# Ready, not just alive: services that start after a node may rely on it.
HEALTHCHECK --interval=5s --timeout=4s --start-period=30s --retries=3 CMD ["adda", "health"]
# No shell between the engine and the node: it is process 1 and drains on this signal.
STOPSIGNAL SIGTERM
ENTRYPOINT ["adda"]
CMD ["serve"]
