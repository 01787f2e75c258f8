// How a refusal is written down: its reason, its code and status (protocol §8), and where the check stands.
const statuses = {
  ...{ invalid_request: 400, invalid_scope: 400, invalid_resource_token: 400, policy_denied: 403, access_denied: 403 },
  unsupported_request_type: 400,
}

/**
 * `expect` of a refused vector. The status follows from the code unless it is named.
 * `where`: target, authority, signature-headers, signature-key, time, coverage, component, digest, credential, discovery, key, token,
 * signature, agents, form, challenge, identifier, metadata, jwks, conditions, operation.
 */
export function refusal(code, reason, where, status = statuses[code] ?? 401) {
  return { reason, code, status, where }
}

export const badSignature = (reason, where) => refusal('invalid_signature', reason, where)
export const badRequest = (reason, where, status) => refusal('invalid_request', reason, where, status)

/** Adds rows of one accepted vector: `[name, title, clauses, change, patch, expect]`. */
export function refuseAll(kind, of, rows) {
  for (const [name, title, clauses, change, patch, expect] of rows)
    kind.refuse(of, name, title, { clauses: [clauses].flat(), change, patch, expect })
}
