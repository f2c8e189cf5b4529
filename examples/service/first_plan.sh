#!/usr/bin/env bash
# Sends a sample, asks for a plan, reads it back and applies it. Needs curl, jq and a service that runs.
#
#   capacity-planner serve &
#   bash examples/service/first_plan.sh
#
# Variables: PLANNER, its address; TOKEN, where it asks for one (role apply).
set -euo pipefail

planner=${PLANNER:-http://localhost:8080}

ask() { # METHOD PATH [BODY]
  curl --silent --show-error --fail-with-body --request "$1" "$planner$2" ${TOKEN:+--header "Authorization: Bearer $TOKEN"} \
    ${3:+--header 'Content-Type: application/json' --data "$3"}
}

sample=$(jq --null-input '{
  queue_name: "newsletter", timestamp: (now | todate),
  arrival_rate: 25.5, service_time: "2s", current_workers: 50, backlog: 12
}')
ask POST /v1/metrics "$sample" | jq --raw-output '"\(.stored) sample stored"'

question=$(jq '{current_metrics: ., slo: {p95_latency: "8s"}}' <<< "$sample")
id=$(ask POST /v1/plans "$question" | jq --raw-output .plan.id)

ask GET "/v1/plans/$id" | jq --raw-output '.record.response.plan
  | "\(.current_workers) → \(.target_workers) workers, confidence \(.confidence * 100 | round) %", .steps[].rationale'

# Scale your workers here; then tell that it was done.
ask POST "/v1/plans/$id/apply" | jq --raw-output '"applied by \(.applied_by)"'
