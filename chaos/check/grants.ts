import { ofType } from '../history.js'
import { type Evidence, groupBy, type Invariant } from './evidence.js'

// What is acknowledged is kept, once, and nothing else is granted.

/** The hashes of refresh tokens that somebody has tried to end, whether or not an answer came. */
function endedAtAll({ records }: Evidence): Set<string> {
  return new Set(ofType(records, 'revocation').flatMap(({ refreshes }) => refreshes))
}

/** A token that was acknowledged, with a refresh token. */
const refreshesOf = ({ records }: Evidence): Array<{ tag: string; refresh: string; end: number }> =>
  [...ofType(records, 'granted'), ...ofType(records, 'redeemed').filter(({ outcome }) => outcome === 'ok')].flatMap(
    ({ tag, refresh, end }) => (refresh === undefined ? [] : [{ tag, refresh, end }]),
  )

const kept: Invariant = {
  name: 'acknowledged-kept',
  rule: 'A grant that was acknowledged is in the database and still refreshes.',
  violations(evidence) {
    const ended = endedAtAll(evidence)
    const rows = new Set(evidence.reads.grants.map(({ refresh }) => refresh))
    const finals = ofType(evidence.records, 'refresh').filter(({ final }) => final)
    const refused = new Set(finals.filter(({ outcome }) => outcome !== 'ok').map(({ refresh }) => refresh))
    return refreshesOf(evidence)
      .filter(({ refresh }) => !ended.has(refresh))
      .flatMap(({ tag, refresh }) => {
        if (!rows.has(refresh)) return [`${tag}: acknowledged, and not in the database`]
        return refused.has(refresh) ? [`${tag}: acknowledged, and does not refresh after the run`] : []
      })
  },
}

const refreshing: Invariant = {
  name: 'refresh-never-refused',
  rule: 'A grant that nobody has ended is never refused a refresh: it works, or the server is away.',
  violations(evidence) {
    const ended = endedAtAll(evidence)
    return ofType(evidence.records, 'refresh')
      .filter(({ outcome, refresh }) => outcome === 'refused' && !ended.has(refresh))
      .map(({ refresh, begin }) => `the refresh token ${refresh} was refused at ${begin}`)
  },
}

const once: Invariant = {
  name: 'granted-once',
  rule: 'One attempt gives at most one grant, however often its code is redeemed, and at however many instances.',
  violations(evidence) {
    const acknowledged = groupBy(refreshesOf(evidence), ({ tag }) => tag)
    const rows = groupBy(
      evidence.reads.grants.filter(({ tag }) => tag !== null),
      ({ tag }) => tag ?? '',
    )
    const several = [...acknowledged]
      .map(([tag, grants]) => [tag, new Set(grants.map(({ refresh }) => refresh)).size] as const)
      .filter(([, count]) => count > 1)
      .map(([tag, count]) => `${tag}: ${count} refresh tokens were acknowledged`)
    const stored = [...rows].filter(([, grants]) => grants.length > 1)
    return [...several, ...stored.map(([tag, grants]) => `${tag}: ${grants.length} grants are in the database`)]
  },
}

const denied: Invariant = {
  name: 'denied-nothing',
  rule: 'What a user has denied is neither granted nor called.',
  violations({ records, reads }) {
    const no = new Set(
      ofType(records, 'decision')
        .filter(({ decision, outcome }) => decision === 'deny' && outcome === 'ok')
        .map(({ tag }) => tag),
    )
    const nonces = new Set(
      ofType(records, 'call').flatMap(({ tag, nonce }) => (tag !== undefined && no.has(tag) ? [nonce] : [])),
    )
    return [
      ...ofType(records, 'granted')
        .filter(({ tag }) => no.has(tag))
        .map(({ tag }) => `${tag}: denied, and a token was acknowledged`),
      ...reads.grants.flatMap(({ tag }) =>
        tag !== null && no.has(tag) ? [`${tag}: denied, and in the database`] : [],
      ),
      ...ofType(records, 'effect')
        .filter(({ nonce }) => nonces.has(nonce))
        .map(({ nonce }) => `the call ${nonce} was denied, and reached the API`),
    ]
  },
}

const asked: Invariant = {
  name: 'granted-by-attempt',
  rule: 'Every grant in the database is of an attempt that a client has made.',
  violations({ records, reads }) {
    const tags = new Set(ofType(records, 'attempt').map(({ tag }) => tag))
    return reads.grants.flatMap(({ tag, grant }) =>
      tag === null || !tags.has(tag) ? [`the grant ${grant} is in the database, and nobody asked for it`] : [],
    )
  },
}

const allowed: Invariant = {
  name: 'granted-after-yes',
  rule: 'Where a user is asked, nothing is granted before they have allowed it.',
  violations({ records, reads }) {
    const decisions = groupBy(ofType(records, 'decision'), ({ tag }) => tag)
    const isAllowed = (tag: string): boolean => (decisions.get(tag) ?? []).some(({ decision }) => decision === 'allow')
    const attempts = ofType(records, 'attempt').filter(({ way }) => way !== 'direct')
    const rows = new Set(reads.grants.map(({ tag }) => tag))
    const tokens = new Set(ofType(records, 'granted').map(({ tag }) => tag))
    return attempts
      .filter(({ tag }) => (rows.has(tag) || tokens.has(tag)) && !isAllowed(tag))
      .map(({ tag }) => `${tag}: granted, and its user never said yes`)
  },
}

/** The invariants about grants. */
export const aboutGrants: readonly Invariant[] = [kept, refreshing, once, denied, asked, allowed]
