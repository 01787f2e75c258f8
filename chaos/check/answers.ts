import { ofType } from '../history.js'
import { faultSpans, faultsBetween, type Invariant } from './evidence.js'
import { recoveries } from './recovery.js'

// How the servers answer while something is broken.

const noFault: Invariant = {
  name: 'no-500',
  rule: 'No answer is a 5xx but 503, and every 503 says when to come back.',
  violations: ({ records }) =>
    ofType(records, 'request').flatMap(({ status, retryAfter, what, to, begin }) => {
      if (status === undefined || status < 500) return []
      if (status !== 503) return [`${to} ${what}: ${status} at ${begin}`]
      return retryAfter === true ? [] : [`${to} ${what}: 503 without Retry-After at ${begin}`]
    }),
}

const noHang: Invariant = {
  name: 'no-hang',
  rule: 'Every request is answered or cut within the deadline, but where a fault is silent.',
  violations: ({ records, promises, silent }) =>
    ofType(records, 'request')
      .filter(({ begin, end, failure }) => failure === 'timeout' || end - begin > promises.deadline)
      .filter(({ begin, end }) => !faultsBetween(records, begin, end).some(({ fault }) => silent.has(fault)))
      .map(({ to, what, begin, end }) => `${to} ${what} at ${begin}: no answer in ${Math.round(end - begin)} ms`),
}

const calm: Invariant = {
  name: 'calm',
  rule: 'Before the first fault nothing fails.',
  violations({ records }) {
    const first = Math.min(...faultSpans(records).map(({ begin }) => begin), Number.POSITIVE_INFINITY)
    return ofType(records, 'request')
      .filter(({ end, status, failure }) => end < first && (failure !== undefined || (status ?? 0) >= 500))
      .map(({ to, what, status, failure }) => `${to} ${what}: ${failure ?? status}`)
  },
}

const recovers: Invariant = {
  name: 'recovers',
  rule: 'After a fault was healed every flow works again within the promised time, without help.',
  violations: ({ records, promises }) =>
    recoveries(records).flatMap(({ faults, missing, milliseconds }) => {
      if (missing.length > 0) return [`after ${faults.join(' and ')}: never again ${missing.join(', ')}`]
      return milliseconds > promises.recovery ? [`after ${faults.join(' and ')}: ${Math.round(milliseconds)} ms`] : []
    }),
}

const bites: Invariant = {
  name: 'faults-bite',
  rule: 'Every fault was one: the rig has measured what it does.',
  violations({ records }) {
    const measured = ofType(records, 'bite')
    return faultSpans(records).flatMap(({ fault, round }) => {
      const bite = measured.find(each => each.fault === fault && each.round === round)
      if (bite === undefined) return [`${fault} in round ${round}: nothing was measured`]
      const { measured: value, atLeast, unit } = bite
      return value >= atLeast ? [] : [`${fault} in round ${round}: ${value} ${unit}, and ${atLeast} would be a fault`]
    })
  },
}

/** The invariants about answers and faults. */
export const aboutAnswers: readonly Invariant[] = [noFault, noHang, calm, recovers, bites]
