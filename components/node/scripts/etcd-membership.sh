# shellcheck shell=bash
# Questions to etcd about its members, through the JSON gateway of its client port; sourced after common.sh.
# ADDRESSES is a text of addresses with spaces between them.

# use_etcd_credentials CA CERTIFICATE KEY: what the calls below verify and show.
use_etcd_credentials() {
  ETCD_CURL=(curl --silent --show-error --fail-with-body --max-time 5 --cacert "$1" --cert "$2" --key "$3")
}

# etcd_call ADDRESS PATH JSON
etcd_call() {
  "${ETCD_CURL[@]}" --data "$3" "https://$1:2379/v3/cluster/member/$2"
}

# list_members ADDRESS [JSON]: the answer as JSON.
list_members() {
  etcd_call "$1" list "${2:-"{}"}"
}

# any_member_answers ADDRESSES: whether one of them knows the members, even without a quorum.
any_member_answers() {
  [[ -n "$(first_answering_member "$1")" ]]
}

first_answering_member() {
  local address
  for address in $1; do
    if list_members "$address" '{"linearizable": false}' >/dev/null; then
      printf '%s' "$address"
      return
    fi
  done
}

# member_property ADDRESS OF PROPERTY: a property of the member whose peer address is OF, asked from ADDRESS.
member_property() {
  list_members "$1" '{"linearizable": false}' | python3 -c '
import json, sys
address, name = sys.argv[1:]
for member in json.load(sys.stdin)["members"]:
    if f"https://{address}:2380" in member["peerURLs"]:
        value = member.get(name, "")
        print(value if isinstance(value, str) else json.dumps(value))
' "$2" "$3"
}

# member_id ADDRESS OF: the id (decimal) of the member whose peer address is OF; nothing if there is none.
member_id() {
  member_property "$1" "$2" ID
}

# was_started ADDRESS OF: whether that member has ever told the others where it serves.
was_started() {
  local -r urls="$(member_property "$1" "$2" clientURLs)"
  [[ -n $urls && $urls != "[]" ]]
}

remove_member() {
  etcd_call "$1" remove "{\"ID\": \"$2\"}"
}

# add_learner ADDRESS OF: announces a member with that peer address, without a vote as yet.
add_learner() {
  etcd_call "$1" add "{\"peerURLs\": [\"https://$2:2380\"], \"isLearner\": true}"
}

promote_member() {
  etcd_call "$1" promote "{\"ID\": \"$2\"}"
}

# is_healthy ADDRESS: whether that member serves and has a leader.
is_healthy() {
  "${ETCD_CURL[@]}" "https://$1:2379/health"
}
