import { randomUUID } from 'node:crypto'
import { checkOptions } from '@countersign/protocol'
import type { Store } from '@countersign/store'
import { sweeper } from '../sweep.js'
import type { Tables } from '../tables.js'
import { enrollmentCodeHash, newEnrollmentCode } from './code.js'

/** An invitation to enrol. The code is a secret: it stands nowhere else in readable form. */
export interface Invitation {
  readonly code: string
  /** The `sub` that the delegate will have. */
  readonly sub: string
  /** What all codes of this invitation's series, and the delegates they make, can be revoked by. */
  readonly enrollment: string
  /** Unix seconds at which the code ends. */
  readonly expires: number
  /** As it was said. */
  readonly label?: string
}

/** What an operator may say of an invitation. */
export interface InvitationOptions {
  /** The delegate the code is for; one that exists keeps its name and gets the new key, a revoked one is reinstated. Default: a random one. */
  readonly sub?: string
  /** Seconds the code lives. Default 3600. */
  readonly expiresIn?: number
  /**
   * A name for the series this code belongs to, 1 to 128 characters: `lab` makes the enrolment `code:lab`.
   * Default: a series of its own.
   */
  readonly series?: string
  /**
   * What its users call the device, e.g. `Kitchen tablet`: 1 to 60 characters. It is listed, and the random `sub` of a new delegate
   * begins with it (`kitchen-tablet-…`): auth servers show that to the user who decides. Resources see it, too. Default: none.
   */
  readonly label?: string
}

/** Makes codes. The promises reject with RangeError or TypeError. */
export function inviter(store: Store<Tables>, now: () => number): (options: InvitationOptions) => Promise<Invitation> {
  // Only an operator's invitation adds codes, so that is the moment to drop the ended ones.
  const sweep = sweeper(store, 'agent_server_enrollment_codes', now)
  return async options => {
    const made = invitationOf(options, now())
    await sweep()
    const { code, sub, enrollment, expires } = made
    await store.write(tx =>
      tx
        .insertInto('agent_server_enrollment_codes')
        .values({ hash: enrollmentCodeHash(code), sub, enrollment, expires, used: null, label: made.label ?? null })
        .execute(),
    )
    return made
  }
}

function invitationOf(options: InvitationOptions, now: number): Invitation {
  checkOptions('invite', options, { sub: 'string', expiresIn: 'number', series: 'string', label: 'string' })
  const { expiresIn = 3600, series = randomUUID(), label } = options
  if (label !== undefined && !/^[^\p{C}\p{Zl}\p{Zp}]{1,60}$/u.test(label))
    throw new TypeError('label must be a name of 1 to 60 characters without controls')
  const { sub = newSub(label) } = options
  if (!(expiresIn > 0 && Number.isFinite(expiresIn)))
    throw new RangeError('expiresIn must be a number of seconds above 0')
  if (!/^[^\p{Cc}\p{Cs}]{1,128}$/u.test(series))
    throw new TypeError('series must be a name of 1 to 128 characters without controls')
  const made = { code: newEnrollmentCode(), sub, enrollment: `code:${series}`, expires: now + expiresIn }
  return label === undefined ? made : { ...made, label }
}

/** A name for a new delegate: its label in letters that every page shows as they are, and enough to be no other's. */
function newSub(label = ''): string {
  const words = label
    .normalize('NFKD')
    .toLowerCase()
    .replaceAll(/[^a-z0-9\s_-]/g, '')
    .replaceAll(/[\s_-]+/g, '-')
    .replaceAll(/^-|-$/g, '')
  return words === '' ? randomUUID() : `${words}-${randomUUID().slice(-12)}`
}
