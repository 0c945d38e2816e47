#!/bin/sh
# Train the models that ship, from what data.py made.  About four hours on two cores with AMX.
#
#     sh benchmarks/models/train.sh WORK
#
# Version 2 was made by these commands.  What differs: its two first networks were version 1's, of
# an earlier trainer (half of the patches around lesions in the first, stronger augmentation), and
# `third` drew 35 % of its patches around lesions and 45 % around the cord, a third of the rest from
# scans without lesion.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
cd "$1"
mkdir -p models
train() { spinalcord train "$@" --schedule cosine --precision bf16 --cache cache --resume; }
wide="--steps 125 --patch 144 --compile"
narrow="--patch 144 --aspect 2.25 --batch 16 --compile"

# Whole surroundings first, then twice as much cord for the same time, at last without the random
# contrasts, in some of which no eye could tell a lesion.
train segmentation $wide --data train.tsv --out first.safetensors --epochs 16 --lr 1e-3
train segmentation $wide --data train.tsv --out second.safetensors --init first.safetensors \
    --epochs 8 --lr 5e-4
train segmentation $narrow --data train.tsv --out third.safetensors --init second.safetensors \
    --epochs 30 --steps 120 --lr 1e-3
mkdir -p fourth
train segmentation $narrow --data physical.tsv --out fourth/segmentation.safetensors \
    --init third.safetensors --epochs 4 --steps 130 --lr 4e-4 --seed 2
python "$here/healthy.py" . --models fourth
train segmentation $narrow --data real.tsv --out models/segmentation.safetensors \
    --init fourth/segmentation.safetensors --epochs 5 --steps 130 --lr 4e-4 --seed 3
python "$here/limits.py" . --models models --precision bf16

# The classifiers learn from true outlines and from the network's.  They share one start, which
# tells all four diagnoses apart, and learns from the middle of the windows.
python "$here/outlines.py" . --models models --every 4 --precision bf16
train diagnosis --data train.tsv --out start.safetensors --batch 16 --epochs 9 --steps 100 --lr 1e-3
train diagnosis --data answers.tsv --out diagnosis.safetensors --init start.safetensors \
    --batch 32 --window 224,96 --epochs 8 --steps 160 --lr 1e-3
for task in tumor_vs_demyelination astrocytoma_vs_ependymoma ms_vs_nmosd; do
    train "$task" --data answers.tsv --out "models/$task.safetensors" --init diagnosis.safetensors \
        --batch 16 --epochs 2 --steps 60 --lr 2e-4
done
