import { type Reason, reasons, signatureDiagnoses } from '@countersign/protocol/reasons'
import type { Clause } from './analysis.js'

/** Sections by the first letters of clauses; the longest that fits decides. A test compares them with the requirements. */
const sections: Readonly<Record<string, string>> = {
  level: '1',
  trust: '1',
  participant: '1',
  id: '2',
  'sig.required': '3',
  'sig.headers': '3.1',
  'sig.key': '3.2',
  'sig.target': '3.3',
  'sig.body': '3.3',
  'sig.method': '3.3',
  'sig.covered': '3.4',
  'sig.digest': '3.4',
  'sig.authority': '3.4',
  'sig.created': '3.5',
  'sig.expires': '3.5',
  'sig.nonce': '3.5',
  'sig.parameters': '3.5',
  'sig.alg': '3.6',
  'sig.replay': '3.7',
  bot: '3.8',
  challenge: '4',
  rate: '4',
  cache: '4',
  cors: '4',
  agent: '4',
  'agent.checks.issuer': '6.4',
  'agent.checks.callback': '6.4',
  'agent.checks.token-answer': '6.4',
  'agent.checks.expires-in': '6.4',
  'agent.checks.refreshed': '6.4',
  'agent.refresh-to-issuer': '6.4',
  'agent.tokens.kept': '6.4',
  'agent.tokens.per-user': '6.4',
  token: '5',
  refresh: '5',
  'refresh.answer': '6.2',
  'refresh.scope': '6.2',
  delegate: '5',
  restore: '6.3',
  metadata: '6',
  'resource-token-endpoint': '6.1',
  'token-endpoint': '6.2',
  auth: '6.2',
  code: '6.2',
  device: '6.2',
  revoke: '6.2',
  consent: '6.3',
  request: '6.3',
  grant: '6.3',
  'auth-request': '6.5',
  revocation: '6.6',
  account: '6.7',
  exchange: '7',
  link: '7',
  interaction: '7',
  error: '8',
  policy: '9.2',
  'policy.all-hold': '9.1',
  'policy.unknown': '9',
  'policy.shape': '9.1',
  'policy.purposes.form': '9.1',
  'policy.narrow': '9.1',
  'policy.supported': '9.1',
  'policy.words': '9.1',
  'policy.own-words': '9.1',
  'policy.delegates': '9.1',
  'policy.order': '9.3',
  'policy.answer': '9.3',
  'policy.unjudged': '9.3',
  'policy.streams': '9.3',
  approval: '9.4',
  discovery: '10',
  limits: '11',
  times: '11',
  mcp: '12',
}

/** Anchors of the headings of docs/protocol.md. */
const anchors: Readonly<Record<string, string>> = {
  '1': '1-participants-levels-trust',
  '2': '2-identifiers',
  '3': '3-every-request-is-signed',
  '3.1': '31-headers',
  '3.2': '32-signature-key',
  '3.3': '33-the-request-as-received',
  '3.4': '34-covered-components',
  '3.5': '35-parameters',
  '3.6': '36-algorithms',
  '3.7': '37-replay-c',
  '3.8': '38-verified-bots-c',
  '4': '4-agent-auth-the-challenge',
  '5': '5-tokens',
  '6': '6-auth-server',
  '6.1': '61-resource-token-endpoint',
  '6.2': '62-token-endpoint',
  '6.3': '63-consent',
  '6.4': '64-what-the-agent-checks',
  '6.5': '65-auth-request-documents-later',
  '6.6': '66-revocation-reaches-resources',
  '7': '7-more-than-one-hop',
  '8': '8-errors',
  '9': '9-delegation-policies-beyond-the-edition-which-names-and-does-not-specify-them',
  '9.1': '91-lists-and-words',
  '9.2': '92-the-conditions',
  '9.3': '93-how-they-are-judged',
  '9.4': '94-approval-of-a-single-call',
  '10': '10-discovery-is-an-attack-surface',
  '11': '11-limits-defaults',
  '12': '12-mcp-servers-beyond-the-edition',
}

const page = 'https://github.com/countersign-dev/countersign/blob/main/docs/protocol.md'

/** A clause with its section of the protocol. */
export function clauseOf(id: string): Clause {
  let name = id
  while (!Object.hasOwn(sections, name) && name.includes('.')) name = name.slice(0, name.lastIndexOf('.'))
  const section = sections[name] ?? '8'
  return { id, section, href: `${page}#${anchors[section] ?? ''}` }
}

/** What the vocabulary says about a reason; undefined for a name that it does not have. */
export function reasonWords(
  reason: string,
): { readonly meaning: string; readonly fix: string; readonly clause: string } | undefined {
  if (Object.hasOwn(reasons, reason)) return reasons[reason as Reason]
  return Object.hasOwn(signatureDiagnoses, reason)
    ? signatureDiagnoses[reason as keyof typeof signatureDiagnoses]
    : undefined
}
