# shellcheck shell=bash
# Calls AWS's API with the role of this machine; sourced. Functions return 1 and print the reason when a call fails.
# Credentials and bodies reach curl through file descriptors: command lines are public on a machine.

readonly METADATA="${METADATA:-http://169.254.169.254/latest}"

# metadata PATH: an answer of the instance metadata service.
metadata() {
  local token
  token="$(curl --fail --silent --show-error --max-time 5 --request PUT \
    --header 'X-aws-ec2-metadata-token-ttl-seconds: 300' "$METADATA/api/token")" || return
  printf 'header = "X-aws-ec2-metadata-token: %s"\n' "$token" |
    curl --config - --fail --silent --show-error --max-time 5 "$METADATA/$1"
}

# field NAME…: the value at that path of the JSON document on standard input.
field() {
  python3 -c 'import functools, json, sys; print(functools.reduce(lambda value, name: value[name], sys.argv[1:], json.load(sys.stdin)))' "$@"
}

# call_aws SERVICE ENDPOINT CONTENT_TYPE [TARGET]: posts standard input, signed with the role's credentials.
call_aws() {
  local -r service="$1" type="$3" target="${4:-}"
  local region role credentials
  local -a headers=(--header "Content-Type: $type")
  [[ -z $target ]] || headers+=(--header "X-Amz-Target: $target")
  region="$(metadata meta-data/placement/region)" || return
  role="$(metadata meta-data/iam/security-credentials/)" || return
  credentials="$(metadata "meta-data/iam/security-credentials/$role")" || return
  curl --config <(
    printf 'user = "%s:%s"\n' "$(field AccessKeyId <<<"$credentials")" "$(field SecretAccessKey <<<"$credentials")"
    printf 'header = "X-Amz-Security-Token: %s"\n' "$(field Token <<<"$credentials")"
  ) --fail-with-body --silent --show-error --max-time 10 --aws-sigv4 "aws:amz:$region:$service" \
    "${headers[@]}" --data-binary @- "${2:-https://$service.$region.amazonaws.com}/"
}

# get_parameter NAME: the value of a parameter, decrypted.
get_parameter() {
  local answer
  answer="$(printf '{"Name": "%s", "WithDecryption": true}' "$1" |
    call_aws ssm "${SSM_ENDPOINT:-}" application/x-amz-json-1.1 AmazonSSM.GetParameter)" || {
    printf '%s' "$answer"
    return 1
  }
  field Parameter Value <<<"$answer"
}

# put_parameter NAME: standard input becomes the new value of an encrypted parameter.
put_parameter() {
  python3 -c 'import json, sys; print(json.dumps({"Name": sys.argv[1], "Value": sys.stdin.read().strip(), "Type": "SecureString", "Overwrite": True}))' "$1" |
    call_aws ssm "${SSM_ENDPOINT:-}" application/x-amz-json-1.1 AmazonSSM.PutParameter
}
