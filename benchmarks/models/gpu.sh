#!/bin/sh
# Train the segmentation network and the classifiers in one run of 12 minutes on one large GPU with
# 16 cores and no network.  Nothing is fetched: phantoms and insertions are made there, hosts are
# what is in HOSTS (at most 40 MB; without it phantoms alone).  Model files and curves come out.
#
#     sh benchmarks/models/gpu.sh WORK OUT [HOSTS]
#
# HOSTS is a folder with hosts.tsv as `make_data` takes it, and where there is one, lumbar.tsv of
# `lumbar_cases` with the files that it lists.  Minutes for each part, and sizes, are set by the environment;
# tried on a CPU with
#
#     LETTER=26 VARIED=8 FREE=4 PER_HOST=1 LESIONS=0.03 EPOCHS=1 STEPS=2 BATCH=2 SEG_MINUTES=2 \
#         START_MINUTES=1 TASK_MINUTES=1 WINDOWS=4 sh benchmarks/models/gpu.sh WORK OUT
set -eu
here=$(cd "$(dirname "$0")" && pwd)
work=$1 out=$2 hosts=${3:-}
jobs=${JOBS:-$(nproc)}
mkdir -p "$work/models" "$out"
[ -n "$hosts" ] || { hosts=$work; printf 'host\tpath\tcord\tuse\n' > "$work/hosts.tsv"; }

# About two minutes: 98 + 60 phantoms to validate on, 520 + 200 to train on.
OMP_NUM_THREADS=1 python "$here" make_data "$work" --hosts "$hosts/hosts.tsv" --jobs "$jobs" \
    --train-only ${LETTER:+--letter "$LETTER"} --varied "${VARIED:-520}" --free "${FREE:-200}" \
    --per-host "${PER_HOST:-20}"
cd "$work"
cp train.tsv gpu.tsv
[ ! -f "$hosts/lumbar.tsv" ] || tail -n +2 "$hosts/lumbar.tsv" >> gpu.tsv

train() {
    spinalcord train "$@" --schedule cosine --cache cache --resume \
        ${EPOCHS:+--epochs "$EPOCHS"} ${STEPS:+--steps "$STEPS"}
}
# Where weights of one slice ship, they are the start: the middle channel takes them.
shipped=$(python -c 'from spinalcord.models.folder import WEIGHTS_DIR; print(WEIGHTS_DIR)')
train segmentation --data gpu.tsv --out models/segmentation.safetensors \
    --init "$shipped/segmentation.safetensors" --patch 144 --aspect 2.25 --batch "${BATCH:-32}" \
    --lr 1e-3 --minutes "${SEG_MINUTES:-5}"
cp models/segmentation.safetensors "$out"
cp -r models/segmentation.training/curves.* "$out" || true

# Fresh phantoms and insertions by the rules of today, with numbers that describe each lesion. One start
# tells all four diagnoses apart and learns these numbers besides; its features serve the tasks.
OMP_NUM_THREADS=1 python "$here" make_lesions . --hosts "$hosts/hosts.tsv" --jobs "$jobs" \
    ${LESIONS:+--share "$LESIONS"}
window="--pixel-mm 0.6 --window 192,64 --batch ${WINDOWS:-64}"
auxiliary=eccentricity,section_share,margin_mm,swelling,log_length,cysts,log_number
train diagnosis --data diagnosis.tsv --out start.safetensors $window --auxiliary "$auxiliary" \
    --lr 1e-3 --minutes "${START_MINUTES:-2}"

# The tasks learn from true outlines and from those of the network trained above; they validate on
# the latter.
python "$here" outline_cases . --models models --table diagnosis.tsv --every 4 --precision bf16
# Without what is the same in all patients of one of them.
lesion=eccentricity,section_share,margin_mm,swelling,log_length
for task in tumor_vs_demyelination astrocytoma_vs_ependymoma ms_vs_nmosd; do
    train "$task" --data answers.tsv --out "models/$task.safetensors" --init start.safetensors \
        $window --auxiliary "$lesion" --lr 4e-4 --minutes "${TASK_MINUTES:-0.5}"
done
cp models/*.safetensors "$out"
