# Shortcuts. Every recipe is one call of cargo or of `cargo xtask`, which work without `just` too.

# List the recipes
default:
    @just --list

# Serve with the bundled model and SQLite; flags of the program may follow
run *flags:
    cargo run --release -- {{ flags }}

# Run the tests, with a PostgreSQL brought along; arguments of `cargo test` may follow
test *args:
    cargo xtask test -- {{ args }}

# Every check that CI makes
ci:
    cargo xtask ci

# The lints, the dependency rule and the rules of the sources
lint:
    cargo clippy --workspace --all-targets -- --deny warnings
    cargo xtask boundaries
    cargo xtask tidy

# Format the sources
fmt:
    cargo fmt --all

# Bring the store's schema up (or `down`, or `status`); flags of the program may follow
migrate direction="up" *flags:
    cargo run --release -- migrate {{ direction }} {{ flags }}

# Write docs/generated from the program
codegen:
    cargo xtask codegen

# Measure a running server beside the model card
eval url data *flags:
    cargo xtask eval --url {{ url }} --data {{ data }} {{ flags }}

# Inject faults into a whole deployment under load, and compare what is left; `--seed N`, `--minutes M`
chaos *flags:
    cargo xtask chaos {{ flags }}

# Throw generated requests at the API
fuzz *flags:
    cargo xtask fuzz-api {{ flags }}

# Measure the engine alone: texts a second by size of batch
bench *flags:
    cargo xtask bench-engine {{ flags }}

# Measure the service under load, every text new and every answer kept
bench-http *flags:
    cargo xtask bench-http {{ flags }}

# Measure what callers feel while others overload, leave, scan or stall
bench-limits *flags:
    cargo xtask bench-limits {{ flags }}

# Measure engine and service beside Python's
bench-peers *flags:
    cargo xtask bench-peers {{ flags }}
