#!/bin/sh
# What nvidia-smi says of each GPU, as figures for a node exporter to tell.
# gpu_metrics.sh FILE [SECONDS]: writes FILE, every so many seconds where they are given.
set -eu

fields=index,uuid,name,temperature.gpu,utilization.gpu,utilization.memory,memory.used,memory.total
fields=$fields,power.draw,power.limit,fan.speed,clocks.sm

figures() {
  if said=$(timeout 10 nvidia-smi --query-gpu="$fields" --format=csv,noheader,nounits 2>/dev/null); then
    printf '%s\n' "$said"
  else
    echo failed
  fi | LC_ALL=C awk -F ', *' '
    function is(column, name, help, factor) {
      order[++count] = name; helps[name] = help; columns[name] = column; factors[name] = factor
    }
    BEGIN {
      is(4, "temperature_celsius", "Temperature of the GPU.", 1)
      is(5, "utilization_ratio", "Share of the last moments in which the GPU was at work.", 0.01)
      is(6, "memory_utilization_ratio", "Share of the last moments in which its memory was in use.", 0.01)
      is(7, "memory_used_bytes", "Memory in use.", 1048576)
      is(8, "memory_total_bytes", "Memory of the GPU.", 1048576)
      is(9, "power_watts", "Power that the GPU draws.", 1)
      is(10, "power_limit_watts", "Power that the GPU may draw.", 1)
      is(11, "fan_ratio", "Speed of the fan, as a share of its highest.", 0.01)
      is(12, "sm_clock_hertz", "Clock of the multiprocessors.", 1000000)
      up = 1
    }
    $0 == "failed" { up = 0; next }
    NF >= 12 {
      gsub(/["\\]/, "")
      label = "{gpu=\"" $1 "\",uuid=\"" $2 "\",name=\"" $3 "\"}"
      for (i = 1; i <= count; i++) {
        value = $(columns[order[i]])
        # What a GPU does not tell stands in brackets.
        if (value ~ /^[0-9]+(\.[0-9]+)?$/) {
          lines[order[i]] = lines[order[i]] "rig_gpu_" order[i] label " " sprintf("%.12g", value * factors[order[i]]) "\n"
        }
      }
    }
    END {
      print "# HELP rig_gpu_up Whether nvidia-smi answers.\n# TYPE rig_gpu_up gauge\nrig_gpu_up " up
      for (i = 1; i <= count; i++) {
        if (lines[order[i]] != "") {
          printf "# HELP rig_gpu_%s %s\n# TYPE rig_gpu_%s gauge\n%s", order[i], helps[order[i]], order[i], lines[order[i]]
        }
      }
    }'
}

umask 022
while :; do
  figures >"$1.new"
  mv -f "$1.new" "$1"
  [ "${2:-0}" -gt 0 ] || exit 0
  sleep "$2"
done
