#!/bin/sh
# Train the models that ship, from what data.py made.  About two hours on two cores with AMX.
#
#     sh benchmarks/models/train.sh WORK
set -eu
cd "$1"
mkdir -p models
fast="--schedule cosine --precision bf16 --data train.tsv --resume"

spinalcord train segmentation $fast --out start.safetensors \
    --epochs 16 --steps 125 --lr 1e-3 --patch 144 --compile
spinalcord train segmentation $fast --out models/segmentation.safetensors \
    --init start.safetensors --epochs 8 --steps 125 --lr 5e-4 --patch 144 --compile

# The classifiers share one start, which tells all four diagnoses apart.
spinalcord train diagnosis $fast --out diagnosis.safetensors \
    --batch 16 --epochs 9 --steps 100 --lr 1e-3
for task in tumor_vs_demyelination astrocytoma_vs_ependymoma ms_vs_nmosd; do
    spinalcord train "$task" $fast --out "models/$task.safetensors" \
        --init diagnosis.safetensors --batch 16 --epochs 1 --steps 40 --lr 2e-4
done
