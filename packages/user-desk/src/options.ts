import { conditionsCheck } from '@countersign/auth-server/internal'
import type { Fetcher } from '@countersign/discovery'
import { checkOptions, each, type OptionChecks, wrongOption } from '@countersign/protocol/internal'
import type { LoginMethod } from './login/login-method.js'
import { type Branding, brandOf } from './pages/brand.js'
import type { ConsentDefaults } from './pages/limits-view.js'

/** How users sign in and are asked. */
export interface UserDeskOptions {
  /** Ways for users to sign in, e.g. `openidConnect(…)`. */
  readonly login: readonly LoginMethod[]
  /** Name, logo and colours of the pages. Default: none of its own, and the host of the issuer. */
  readonly branding?: Branding
  /** The limits that consent pages suggest: users may take them away. Default: none. */
  readonly consentDefaults?: ConsentDefaults
  /**
   * Page requests of one network (an IPv4 address, a /64) in a minute; beyond, 429. Default 300. Behind a proxy give the auth server
   * `trustedProxies`: without it all users are one network. A user who is signed in has as many beyond that. Wrong user codes of private
   * addresses are then counted by session and user, and as those of all private addresses together (1000 in ten minutes): one may be a
   * proxy, with everyone behind it.
   */
  readonly pagesPerMinute?: number
  /** Gets the pictures that agents claim as their logos. Default: the guarded fetcher, for PNG, JPEG and WebP. */
  readonly logoFetcher?: Fetcher
}

const brandingChecks: OptionChecks<Branding> = {
  name: 'string',
  logo(value, place) {
    if (!(value instanceof Uint8Array)) throw wrongOption(place, 'a Uint8Array')
  },
  accent: 'string',
  accentDark: 'string',
}

const defaultsChecks: OptionChecks<ConsentDefaults> = {
  duration: ['once', 'day', 'month'],
  callsPerDay(value, place) {
    conditionsCheck([{ type: 'calls', max: value, per: 'day' }], place)
    if (value === 0) throw wrongOption(place, 'at least 1')
  },
  hours(value, place) {
    conditionsCheck([{ ...Object(value), type: 'hours' }], place)
  },
  zone(value, place) {
    conditionsCheck([{ type: 'hours', zone: value, days: [1], from: '00:00', to: '00:00' }], place)
  },
}

const checks: OptionChecks<UserDeskOptions> = {
  login: each('object'),
  branding: { ...brandingChecks },
  consentDefaults: { ...defaultsChecks },
  pagesPerMinute: 'number',
  logoFetcher: 'function',
}

/** @throws TypeError for an unknown or unfit option; RangeError where `pagesPerMinute` is below 1 */
export function checkUserDeskOptions(options: UserDeskOptions): void {
  checkOptions('userDesk', options, checks, ['login'])
  if (!((options.pagesPerMinute ?? 300) >= 1)) throw new RangeError('pagesPerMinute must be at least 1')
  brandOf(options.branding)
}
