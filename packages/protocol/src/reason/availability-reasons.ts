import type { ReasonEntry } from '@countersign/httpsig/reasons'
import type { AvailabilityReason } from './reason.js'

const codes = ['temporarily_unavailable'] as const

/** Refusals of a participant that cannot answer now. */
export const availabilityReasons: Readonly<Record<AvailabilityReason, ReasonEntry>> = {
  starting: {
    codes,
    meaning: 'The participant has just started and cannot rule out replays yet.',
    fix: 'Sign anew and send again after the seconds in Retry-After.',
    clause: 'sig.replay.restart',
  },
  not_ready: {
    codes,
    meaning: 'The server starts, shuts down, or cannot reach what it depends on.',
    fix: 'Send requests to another instance until this one is ready.',
    clause: 'error.unavailable',
  },
  capacity_exceeded: {
    codes,
    meaning: 'The participant, or the share of the caller, has no room left.',
    fix: 'Send the request again after the seconds in Retry-After.',
    clause: 'error.unavailable',
  },
  store_unavailable: {
    codes,
    meaning: 'A database or shared store that the participant needs is not available.',
    fix: 'Send the request again after the seconds in Retry-After.',
    clause: 'error.unavailable',
  },
  database_restored: {
    codes,
    meaning: 'The database of the participant was restored from a backup while it ran.',
    fix: 'Ask its operator, who must run restore before the next start.',
    clause: 'restore.epoch',
  },
  dependency_unavailable: {
    codes,
    meaning: 'A service that the participant needs is not available.',
    fix: 'Send the request again after the seconds in Retry-After.',
    clause: 'error.unavailable',
  },
  dependency_invalid: {
    codes,
    meaning: 'A service that the participant needs gives an unusable answer.',
    fix: 'Ask the operator of the participant.',
    clause: 'error.unavailable',
  },
  key_not_ready: {
    codes,
    meaning: 'No signing key of the participant has been published long enough to be used.',
    fix: 'Send the request again after the seconds in Retry-After.',
    clause: 'discovery.publish-ahead',
  },
  internal_error: {
    codes: ['server_error'],
    meaning: 'The participant failed to handle the request.',
    fix: 'Report the fault to its operator; the log names the cause.',
    clause: 'error.server-error',
  },
}
