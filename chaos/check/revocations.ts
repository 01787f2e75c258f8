import { ofType, type RevocationRecord } from '../history.js'
import { type Evidence, faultSpans, type Invariant } from './evidence.js'

// What is ended stays ended.

const acknowledged = ({ records }: Evidence): RevocationRecord[] =>
  ofType(records, 'revocation').filter(({ outcome }) => outcome === 'ok')

const atAuthServer: Invariant = {
  name: 'ended-stays-ended',
  rule: 'After the end of a grant was acknowledged no refresh of it works, at any instance, whatever happens later.',
  violations(evidence) {
    const ended = new Map(acknowledged(evidence).flatMap(({ refreshes, end }) => refreshes.map(each => [each, end])))
    const rows = evidence.reads.grants.filter(({ refresh }) => ended.has(refresh))
    return [
      ...ofType(evidence.records, 'refresh')
        .filter(({ refresh, begin, outcome }) => outcome === 'ok' && begin > (ended.get(refresh) ?? Infinity))
        .map(({ refresh, begin }) => `the refresh token ${refresh} works at ${begin}, after its end`),
      ...rows.map(({ grant }) => `the grant ${grant} was ended, and is in the database`),
    ]
  },
}

const atResource: Invariant = {
  name: 'ended-refused-by-resource',
  rule: 'A token of an ended grant is refused within the promised time, or so long after the last fault was healed.',
  violations(evidence) {
    const { records, promises } = evidence
    const spans = faultSpans(records)
    const ended = new Map(acknowledged(evidence).flatMap(({ grants, ...end }) => grants.map(each => [each, end])))
    /** Faults before the promised time has passed begin it anew: a notice cannot be delivered through them. */
    const refusedFrom = ({ end, by }: Pick<RevocationRecord, 'end' | 'by'>): number => {
      if (by === 'agent') return end + promises.givenBack
      let from = end + promises.revocation
      for (const span of spans)
        if (span.begin <= from && span.end >= end) from = Math.max(from, span.end + promises.revocation)
      return from
    }
    return ofType(records, 'call').flatMap(({ grant, nonce, begin, outcome }) => {
      const end = grant === undefined ? undefined : ended.get(grant)
      if (end === undefined || outcome !== 'ok' || begin <= refusedFrom(end)) return []
      return [
        `the call ${nonce} passed at ${begin}, ${Math.round((begin - end.end) / 1000)} s after the end of its grant`,
      ]
    })
  },
}

/** The invariants about ended grants. */
export const aboutRevocations: readonly Invariant[] = [atAuthServer, atResource]
