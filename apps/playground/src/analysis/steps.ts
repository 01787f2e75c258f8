import { reasonWords } from './clause.js'

/** A check of a verifier, whatever the message. */
export interface Step {
  readonly id: StepId
  readonly title: string
  /** The attack that it stops. */
  readonly why: string
  readonly clause: string
}

export type StepId =
  | 'request'
  | 'authority'
  | 'headers'
  | 'times'
  | 'coverage'
  | 'token-form'
  | 'accepted'
  | 'key'
  | 'inline-key'
  | 'token-signature'
  | 'token-times'
  | 'token-audience'
  | 'token-claims'
  | 'digest'
  | 'signature'
  | 'grant'
  | 'admitted'
  | 'level'
  | 'chain'
  | 'conditions'
  | 'limits'
  | 'approval'
  | 'replay'
  | 'decision'

const steps: Readonly<Record<StepId, Omit<Step, 'id'>>> = {
  request: {
    title: 'Form of the request',
    why: 'Two programs must not read one request in two ways: with // or .. the router could take another path than the one signed.',
    clause: 'sig.target.form',
  },
  authority: {
    title: 'Sent to this receiver',
    why: 'A request that was signed for one server must not pass at another.',
    clause: 'sig.authority.several',
  },
  headers: {
    title: 'Signature headers',
    why: 'A broken signature must not pass beside a good one, and a lost header must not make its sender anonymous.',
    clause: 'sig.headers.all',
  },
  times: {
    title: 'Times of the signature',
    why: 'A captured request must be worthless a minute later.',
    clause: 'sig.created.window',
  },
  coverage: {
    title: 'Covered components',
    why: 'What is not signed can be changed on the way: method, host, path, query and body must all be covered.',
    clause: 'sig.covered.always',
  },
  'token-form': {
    title: 'Token: type and form',
    why: 'A token of one type must not pass as one of another.',
    clause: 'token.typ',
  },
  accepted: {
    title: 'Signer accepted here',
    why: 'Anyone can run an agent or an auth server with perfect keys. Only the receiver’s list says whose word counts, before anything is fetched.',
    clause: 'trust.resource.auth-servers',
  },
  'inline-key': {
    title: 'Key in the request',
    why: 'A key that comes along names nobody: it shows only that the same caller came back.',
    clause: 'sig.key.hwk',
  },
  key: {
    title: 'Published key',
    why: 'A named key comes from where its owner publishes it, never from the message: a forger would bring their own.',
    clause: 'sig.key.jwks-uri.lookup',
  },
  'token-signature': {
    title: 'Token: signature of its issuer',
    why: 'A claim that was changed or invented breaks it.',
    clause: 'token.signature',
  },
  'token-times': {
    title: 'Token: times',
    why: 'A token ends soon, so that what was revoked or stolen ends soon, too.',
    clause: 'token.times',
  },
  'token-audience': {
    title: 'Token: receiver',
    why: 'A token for one API must not open another one, even if that API is malicious and passes it on.',
    clause: 'token.auth.aud',
  },
  'token-claims': {
    title: 'Token: other claims',
    why: 'A claim that two parties read differently could allow more than its issuer meant.',
    clause: 'token.claims',
  },
  digest: {
    title: 'Digest of the body',
    why: 'The signature covers the digest, and the digest the body: no byte of it can be changed on the way.',
    clause: 'sig.digest.match',
  },
  signature: {
    title: 'Signature of the request',
    why: 'Only the holder of the private key can have signed these bytes: a stolen token is worth nothing without it.',
    clause: 'sig.alg.from-key',
  },
  grant: {
    title: 'Grant not revoked',
    why: 'What a user has taken back must end before its tokens do.',
    clause: 'revocation.notice',
  },
  admitted: {
    title: 'Caller let in',
    why: 'A denied caller gets no challenge either: no token to look for a way round.',
    clause: 'error.policy-denied',
  },
  level: {
    title: 'Level and scope',
    why: 'A caller must show as much as the route asks, and may do only what it was allowed.',
    clause: 'level.lowest',
  },
  chain: {
    title: 'Chain of services',
    why: 'A service in the middle must not use a token for more than its own caller was allowed.',
    clause: 'exchange.chain',
  },
  conditions: {
    title: 'Delegation policy',
    why: 'A user’s conditions hold for each single request: the resource judges them, not the agent.',
    clause: 'policy.order',
  },
  limits: {
    title: 'Limits',
    why: 'One caller must not use up what others need.',
    clause: 'error.rate-limited',
  },
  approval: {
    title: 'Approval of this one call',
    why: 'What a user approved is one exact request: not another amount, not twice.',
    clause: 'approval.once',
  },
  replay: {
    title: 'Not seen before',
    why: 'A captured request must not pass a second time within its minute.',
    clause: 'sig.replay.key',
  },
  decision: {
    title: 'What the receiver decides itself',
    why: 'The signature says who asks. What the answer is, the receiver decides.',
    clause: 'error.shape',
  },
}

/** A check by its id. */
export function stepOf(id: StepId): Step {
  return { id, ...steps[id] }
}

const local: readonly StepId[] = ['request', 'authority', 'headers', 'times', 'coverage']
const token: readonly StepId[] = [
  ...(['token-form', 'accepted', 'key', 'token-signature', 'token-times', 'token-audience', 'token-claims'] as const),
]
const guard: readonly StepId[] = ['grant', 'admitted', 'level', 'chain', 'conditions', 'limits', 'approval', 'replay']

/** What a request is judged by: its key, and the kind of its receiver. */
export interface Judged {
  readonly scheme: 'none' | 'hwk' | 'jwks_uri' | 'jwt' | 'unreadable'
  /** Whether it has a body. */
  readonly hasBody: boolean
  /** `guard`: a route of a resource. `endpoint`: an endpoint that decides by its own rules. `none`: nobody has received it. */
  readonly receiver: 'guard' | 'endpoint' | 'none'
}

const keySteps: Readonly<Record<Judged['scheme'], readonly StepId[]>> = {
  none: [],
  unreadable: [],
  hwk: ['accepted', 'inline-key'],
  jwks_uri: ['accepted', 'key'],
  jwt: token,
}

/** The checks of a request, in the order in which a verifier makes them. */
export function stepsFor({ scheme, hasBody, receiver }: Judged): StepId[] {
  const rest: readonly StepId[] =
    receiver === 'guard' ? [...guard, 'decision'] : receiver === 'endpoint' ? ['replay', 'decision'] : []
  if (scheme === 'none') return ['request', 'authority', ...rest.filter(id => id !== 'replay' && id !== 'grant')]
  const key: readonly StepId[] = keySteps[scheme]
  const body: readonly StepId[] = hasBody ? ['digest'] : []
  return [...local, ...key, ...body, 'signature', ...rest]
}

/** Checks by reasons whose clause does not tell. */
const ofReason: Readonly<Record<string, StepId>> = {
  authority_ambiguous: 'authority',
  authority_not_served: 'authority',
  authority_mismatched: 'authority',
  digest_wrong: 'digest',
  signature_wrong: 'signature',
  algorithm_mismatched: 'signature',
  key_unknown: 'key',
  token_key_unknown: 'key',
  token_malformed: 'token-form',
  token_too_large: 'token-form',
  token_type_wrong: 'token-form',
  token_type_unsupported: 'token-form',
  token_signature_wrong: 'token-signature',
  token_algorithm_mismatched: 'token-signature',
  token_expired: 'token-times',
  token_issued_in_future: 'token-times',
  token_not_yet_valid: 'token-times',
  token_lives_too_long: 'token-times',
  token_audience_wrong: 'token-audience',
  issuer_untrusted: 'accepted',
  credential_not_accepted: 'accepted',
  algorithm_unsupported: 'times',
  signature_missing: 'level',
  level_insufficient: 'level',
  scope_missing: 'level',
  user_needed: 'level',
  caller_denied: 'admitted',
  caller_not_allowed: 'admitted',
  via_missing: 'chain',
  chain_too_deep: 'token-claims',
  request_replayed: 'replay',
  grant_ended: 'grant',
  token_predates_start: 'grant',
  rate_exceeded: 'limits',
  failures_exceeded: 'limits',
  calls_used_up: 'conditions',
  calls_uncountable: 'conditions',
  operation_unnamed: 'conditions',
  conditions_unsupported: 'conditions',
}

const ofClause: ReadonlyArray<readonly [prefix: string, StepId]> = [
  ['sig.target', 'request'],
  ['sig.method', 'request'],
  ['sig.body', 'request'],
  ['sig.headers', 'headers'],
  ['sig.key', 'headers'],
  ['sig.alg', 'headers'],
  ['sig.created', 'times'],
  ['sig.expires', 'times'],
  ['sig.parameters', 'times'],
  ['sig.covered', 'coverage'],
  ['sig.digest', 'coverage'],
  ['limits.components', 'coverage'],
  ['limits.before-parsing', 'headers'],
  ['token.', 'token-claims'],
  ['discovery.', 'key'],
  ['policy.', 'conditions'],
  ['approval.', 'approval'],
]

/** The check that a reason is the refusal of; `decision` for what belongs to no other. */
export function stepOfReason(reason: string): StepId {
  const own = Object.hasOwn(ofReason, reason) ? ofReason[reason] : undefined
  if (own !== undefined) return own
  const clause = reasonWords(reason)?.clause ?? ''
  return ofClause.find(([prefix]) => clause.startsWith(prefix))?.[1] ?? 'decision'
}
