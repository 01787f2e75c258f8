import { ofType } from '../history.js'
import type { Invariant } from './evidence.js'

// What is published and recorded.

const keys: Invariant = {
  name: 'keys-published',
  rule: 'Every auth token is signed with a key that its issuer publishes.',
  violations: ({ records, reads }) => {
    const used = new Set(ofType(records, 'granted').map(({ issuer, kid }) => `${issuer} ${kid}`))
    return [...used].filter(key => !reads.keys.has(key)).map(key => `${key} is not published`)
  },
}

const verifies: Invariant = {
  name: 'audit-verifies',
  rule: 'The audit log verifies: nothing was removed, changed, moved or added.',
  violations: ({ reads }) => (reads.audit.verified ? [] : [reads.audit.report]),
}

const grantedTypes: ReadonlySet<string> = new Set(['granted', 'refreshed', 'repeated'])
const endedTypes: ReadonlySet<string> = new Set(['revoked', 'ended_by_operator', 'alarm'])

const holds: Invariant = {
  name: 'audit-complete',
  rule: 'The audit log has an event for each acknowledged grant and each acknowledged end of one.',
  violations({ records, reads, audited }) {
    // The event of an exchange names its token only.
    const recorded = (types: ReadonlySet<string>): Set<string | undefined> =>
      new Set(reads.audit.events.flatMap(({ type, grant, token }) => (types.has(type) ? [grant, token] : [])))
    const [granted, ended] = [recorded(grantedTypes), recorded(endedTypes)]
    return [
      ...ofType(records, 'granted')
        .filter(({ issuer, grant, token }) => issuer === audited && !granted.has(grant) && !granted.has(token))
        .map(({ tag, grant }) => `${tag}: the grant ${grant} was acknowledged, and no event tells of it`),
      ...ofType(records, 'revocation')
        .filter(({ outcome, by }) => outcome === 'ok' && by !== 'user')
        .flatMap(({ grants, by }) => grants.filter(grant => !ended.has(grant)).map(grant => [grant, by] as const))
        .map(([grant, by]) => `the end of ${grant} by its ${by} was acknowledged, and no event tells of it`),
    ]
  },
}

const takenBack: Invariant = {
  name: 'audit-taken-back',
  rule: 'The audit log has an event for each time that a user took access back, which names no single grant.',
  violations({ records, reads }) {
    // The event names its user as the auth server does, and tokens name one differently to each resource: so they are counted.
    const told = reads.audit.events.filter(({ type }) => type === 'taken_back').length
    const ends = ofType(records, 'revocation').filter(({ by, outcome }) => by === 'user' && outcome === 'ok').length
    return told >= ends ? [] : [`users have taken back ${ends} times, and ${told} events tell of it`]
  },
}

/** The invariants about what is published and recorded. */
export const aboutRecords: readonly Invariant[] = [keys, verifies, holds, takenBack]
