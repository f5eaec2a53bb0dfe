#!/usr/bin/env bash
# Builds and trains the small language model, e.g.: java/plait-lab/train.sh --recipe grpo
exec "$(dirname "${BASH_SOURCE[0]}")/plait.sh" train "$@"
