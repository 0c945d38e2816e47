#!/bin/sh
# Train the models that ship, from what data.py made.  About four hours on two cores with AMX.
#
#     sh benchmarks/models/train.sh WORK
#
# Version 2 was made by these commands.  Its first network came from version 1's trainer, whose
# patches lay half around lesions for the first 2000 of its 3000 steps; here they do as now.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
cd "$1"
mkdir -p models
fast="--schedule cosine --precision bf16 --resume"
squares="--steps 125 --patch 144 --compile --data train.tsv"
narrow="--steps 120 --patch 144 --aspect 2.25 --batch 16 --compile --data train.tsv"

# Whole surroundings first, then twice as much cord for the same time.
spinalcord train segmentation $fast $squares --out first.safetensors --epochs 16 --lr 1e-3
spinalcord train segmentation $fast $squares --out second.safetensors --epochs 8 --lr 5e-4 \
    --init first.safetensors
spinalcord train segmentation $fast $narrow --out models/segmentation.safetensors --epochs 30 \
    --lr 1e-3 --init second.safetensors
python "$here/limits.py" . --models models

# The classifiers learn from true outlines and from the network's.
python "$here/outlines.py" . --models models --every 2
