import { randomUUID } from 'node:crypto'
import type { Also } from '@countersign/audit/internal'
import { checkOptions, type OptionChecks, restriction } from '@countersign/protocol/internal'
import type { Store } from '@countersign/store'
import { checkDelegation, type Delegation, type DelegationLimits, delegationText } from '../delegation/delegation.js'
import { sweeper } from '../sweep.js'
import type { Tables } from '../tables.js'
import { enrollmentCodeHash, makeEnrollmentCode } from './code.js'

/** An invitation to enrol. The code is a secret, and is stored nowhere in readable form. */
export interface Invitation {
  readonly code: string
  /** The `sub` that the delegate will have. */
  readonly sub: string
  /** Names the series of the code: its codes and delegates can be revoked together. */
  readonly enrollment: string
  /** Unix seconds at which the code expires. */
  readonly expires: number
  /** As given. */
  readonly label?: string
  /** As given. */
  readonly delegation?: Delegation
}

/** Options of an invitation. */
export interface InvitationOptions {
  /** The delegate that the code is for. An existing delegate keeps its name and gets the new key; a revoked one is reinstated. Default: a random name. */
  readonly sub?: string
  /** Seconds the code lives. Default 3600. */
  readonly expiresIn?: number
  /**
   * Names the series of this code, 1 to 128 characters: `lab` makes the enrolment `code:lab`.
   * Default: a series of its own.
   */
  readonly series?: string
  /**
   * The name of the device, e.g. `Kitchen tablet`: 1 to 60 characters. It is listed, and the random `sub` of a new delegate begins
   * with it (`kitchen-tablet-…`), which auth servers show to the user who decides. Resources see it, too. Default: none.
   */
  readonly label?: string
  /** What the delegate may be used for, and where. Default: no conditions, or those that an existing delegate has. */
  readonly delegation?: Delegation
}

/** Creates the function that makes codes. Its promises reject with RangeError or TypeError. */
export function createInviter(
  store: Store<Tables>,
  now: () => number,
  limits: DelegationLimits,
): (options: InvitationOptions, also?: Also<Invitation>) => Promise<Invitation> {
  // Only invitations add codes, so each deletes those that have expired.
  const sweep = sweeper(store, 'agent_server_enrollment_codes', now)
  return async (options, also) => {
    const made = makeInvitation(options, now(), limits)
    await sweep()
    const { code, sub, enrollment, expires } = made
    const own = { label: made.label ?? null, delegation: delegationText(made.delegation) }
    await store.write(async tx => {
      await tx
        .insertInto('agent_server_enrollment_codes')
        .values({ hash: enrollmentCodeHash(code), sub, enrollment, expires, used: null, ...own })
        .execute()
      await also?.(tx, made)
    })
    return made
  }
}

const checks: OptionChecks<InvitationOptions> = {
  sub: 'string',
  expiresIn: 'number',
  series: 'string',
  label: 'string',
  delegation: restriction('object'),
}

function makeInvitation(options: InvitationOptions, now: number, limits: DelegationLimits): Invitation {
  checkOptions('invite', options, checks)
  const { expiresIn = 3600, series = randomUUID(), label } = options
  if (label !== undefined && !/^[^\p{C}\p{Zl}\p{Zp}]{1,60}$/u.test(label))
    throw new TypeError('label must be a name of 1 to 60 characters without controls')
  const { sub = makeSub(label) } = options
  if (!(expiresIn > 0 && Number.isFinite(expiresIn)))
    throw new RangeError('expiresIn must be a number of seconds above 0')
  if (!/^[^\p{Cc}\p{Cs}]{1,128}$/u.test(series))
    throw new TypeError('series must be a name of 1 to 128 characters without controls')
  const delegation = options.delegation && checkDelegation(options.delegation, limits)
  return {
    code: makeEnrollmentCode(),
    sub,
    enrollment: `code:${series}`,
    expires: now + expiresIn,
    ...(label === undefined ? {} : { label }),
    ...(delegation === undefined ? {} : { delegation }),
  }
}

/** Makes a name for a new delegate: its label in ASCII letters, and random characters that make it unique. */
function makeSub(label = ''): string {
  const words = label
    .normalize('NFKD')
    .toLowerCase()
    .replaceAll(/[^a-z0-9\s_-]/g, '')
    .replaceAll(/[\s_-]+/g, '-')
    .replaceAll(/^-|-$/g, '')
  return words === '' ? randomUUID() : `${words}-${randomUUID().slice(-12)}`
}
