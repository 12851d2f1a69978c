#!/bin/sh
# Write the metrics of nvidia-smi for node_exporter's textfile collector.
#
# usage: gpu_metrics.sh FILE [SECONDS]
#
# Writes FILE once, or repeatedly at the given interval.
set -eu

fields=index,uuid,name,temperature.gpu,utilization.gpu,utilization.memory,memory.used,memory.total
fields=$fields,power.draw,power.limit,fan.speed,clocks.sm

print_metrics() {
  if output=$(timeout 10 nvidia-smi --query-gpu="$fields" --format=csv,noheader,nounits 2>/dev/null); then
    printf '%s\n' "$output"
  else
    echo failed
  fi | LC_ALL=C awk -F ', *' '
    function metric(column, name, help, factor) {
      order[++count] = name; helps[name] = help; columns[name] = column; factors[name] = factor
    }
    BEGIN {
      metric(4, "temperature_celsius", "Temperature of the GPU.", 1)
      metric(5, "utilization_ratio", "Fraction of time the GPU was busy.", 0.01)
      metric(6, "memory_utilization_ratio", "Fraction of time GPU memory was read or written.", 0.01)
      metric(7, "memory_used_bytes", "GPU memory in use.", 1048576)
      metric(8, "memory_total_bytes", "Total GPU memory.", 1048576)
      metric(9, "power_watts", "Power draw of the GPU.", 1)
      metric(10, "power_limit_watts", "Power limit of the GPU.", 1)
      metric(11, "fan_ratio", "Fan speed as a fraction of the maximum.", 0.01)
      metric(12, "sm_clock_hertz", "SM clock of the GPU.", 1000000)
      up = 1
    }
    $0 == "failed" { up = 0; next }
    NF >= 12 {
      gsub(/["\\]/, "")
      label = "{gpu=\"" $1 "\",uuid=\"" $2 "\",name=\"" $3 "\"}"
      for (i = 1; i <= count; i++) {
        value = $(columns[order[i]])
        # Unsupported values are in brackets.
        if (value ~ /^[0-9]+(\.[0-9]+)?$/) {
          lines[order[i]] = lines[order[i]] "rig_gpu_" order[i] label " " sprintf("%.12g", value * factors[order[i]]) "\n"
        }
      }
    }
    END {
      print "# HELP rig_gpu_up Whether nvidia-smi succeeded.\n# TYPE rig_gpu_up gauge\nrig_gpu_up " up
      for (i = 1; i <= count; i++) {
        if (lines[order[i]] != "") {
          printf "# HELP rig_gpu_%s %s\n# TYPE rig_gpu_%s gauge\n%s", order[i], helps[order[i]], order[i], lines[order[i]]
        }
      }
    }'
}

umask 022
while :; do
  print_metrics >"$1.new"
  mv -f "$1.new" "$1"
  [ "${2:-0}" -gt 0 ] || exit 0
  sleep "$2"
done
