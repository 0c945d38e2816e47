#!/bin/sh
# Train the models that ship, from what data.py made.  About two hours on two cores with AMX.
#
#     sh benchmarks/models/train.sh WORK
set -eu
cd "$1"
mkdir -p models

spinalcord train segmentation --data train.tsv --out models/segmentation.safetensors \
    --name phantom-segmentation --epochs 16 --steps 125 --schedule cosine --lr 1e-3 \
    --patch 144 --precision bf16 --compile --resume

# The classifiers share one start, which tells all four diagnoses apart.
spinalcord train diagnosis --data train.tsv --out diagnosis.safetensors \
    --epochs 8 --steps 80 --schedule cosine --lr 1e-3 --precision bf16 --resume
for task in tumor_vs_demyelination astrocytoma_vs_ependymoma ms_vs_nmosd; do
    name=$(echo "phantom-$task" | tr _ -)
    spinalcord train "$task" --data train.tsv --out "models/$task.safetensors" --name "$name" \
        --init diagnosis.safetensors --epochs 3 --steps 25 --schedule cosine --lr 2e-4 \
        --precision bf16 --resume
done
