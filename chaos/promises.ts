import type { Promises } from './check/evidence.js'
import { clientDeadline } from './clients/send.js'
import { perMinute } from './rig/settings.js'

/** What the servers promise. */
export const promises: Promises = {
  deadline: clientDeadline,
  revocation: 65_000,
  // The life of a token, and the minute for which clocks may differ.
  givenBack: 660_000,
  recovery: 60_000,
  ...perMinute,
  instances: 2,
}
