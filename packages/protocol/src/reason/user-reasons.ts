import type { ReasonEntry } from '@countersign/httpsig/reasons'
import type { UserReason } from './reason.js'

const codes = ['invalid_request'] as const

/** Refusals of codes, sign-ins and pages of users. */
export const userReasons: Readonly<Record<UserReason, ReasonEntry>> = {
  grant_invalid: {
    codes: ['invalid_grant'],
    meaning: 'The code or refresh token is unknown, used, expired, ended, or of another caller or request.',
    fix: 'Ask for access again.',
    clause: 'error.invalid-grant',
  },
  upstream_expired: {
    codes: ['invalid_grant'],
    meaning: 'The upstream token has expired while the user decided. The consent is kept.',
    fix: 'Send the exchange again with a new upstream token.',
    clause: 'exchange.upstream',
  },
  interaction_code_invalid: {
    codes: ['invalid_grant'],
    meaning: 'The code in Agent-Interaction is malformed, wrong, used, or of another caller.',
    fix: 'Start the interaction again.',
    clause: 'interaction.code',
  },
  decision_pending: {
    codes: ['authorization_pending'],
    meaning: 'The user has not decided yet.',
    fix: 'Poll again after the interval.',
    clause: 'error.device',
  },
  poll_too_fast: {
    codes: ['slow_down'],
    meaning: 'This is polled too often.',
    fix: 'Wait 5 seconds longer between two polls.',
    clause: 'error.device',
  },
  device_code_expired: {
    codes: ['expired_token'],
    meaning: 'The device code has expired.',
    fix: 'Start the device flow again.',
    clause: 'device.code',
  },
  user_refused: {
    codes: ['access_denied'],
    meaning: 'The user said no.',
    fix: 'Do not ask again without a reason.',
    clause: 'error.access-denied',
  },
  caller_blocked: {
    codes: ['access_denied'],
    meaning: 'The operator of the auth server has blocked this agent or delegate, its site, or an agent of the chain.',
    fix: 'Do not ask again. Only the operator of the auth server can lift the block.',
    clause: 'error.access-denied',
  },
  user_blocked: {
    codes: ['access_denied'],
    meaning: 'The operator of the auth server has blocked the account of the user.',
    fix: 'Do not ask again. The user can ask the operator of the auth server.',
    clause: 'error.access-denied',
  },
  user_unavailable: {
    codes: ['access_denied'],
    meaning: 'A user must decide this, and none can sign in here, or the upstream token names none.',
    fix: 'Ask for scopes that need no user, or at an auth server where the user can sign in.',
    clause: 'error.access-denied',
  },
  exchange_not_allowed: {
    codes: ['access_denied'],
    meaning: 'No exchange rule of the auth server allows this scope on this path.',
    fix: 'Ask its operator to add a rule, or ask for less.',
    clause: 'error.access-denied',
  },
  link_invalid: {
    codes,
    meaning: 'The link is unknown or has expired.',
    fix: 'Begin again at the agent.',
    clause: 'consent.request-token',
  },
  link_changed: {
    codes,
    meaning: 'The link was changed after it was made.',
    fix: 'Begin again at the agent.',
    clause: 'consent.parameters',
  },
  link_of_another_browser: {
    codes,
    meaning: 'Another browser opened the request, or this browser keeps no cookies.',
    fix: 'Allow cookies, and begin again at the agent.',
    clause: 'consent.browser',
  },
  request_ended: {
    codes: ['expired_token', 'access_denied'],
    meaning: 'The request is unknown, was decided before, or has expired.',
    fix: 'Begin again at the agent.',
    clause: 'consent.code',
  },
  signed_out: {
    codes: ['access_denied'],
    meaning: 'The user is not signed in any more.',
    fix: 'Sign in again.',
    clause: 'consent.page',
  },
  page_not_from_here: {
    codes: ['access_denied'],
    meaning: 'The form did not come from this page, or the page was too old.',
    fix: 'Go back and reload the page; allow cookies.',
    clause: 'consent.browser',
  },
  form_incomplete: {
    codes,
    meaning: 'The form lacks a field, or has a value that the page does not offer.',
    fix: 'Go back and use the page as shown.',
    clause: 'consent.page',
  },
  sign_in_invalid: {
    codes: ['access_denied'],
    meaning: 'The sign-in was not begun in this browser, or too long ago.',
    fix: 'Sign in again.',
    clause: 'consent.browser',
  },
  sign_in_cancelled: {
    codes: ['access_denied'],
    meaning: 'The user cancelled the sign-in.',
    fix: 'Sign in again.',
    clause: 'consent.page',
  },
  sign_in_failed: {
    codes: ['access_denied'],
    meaning: 'The service that signs users in did not confirm who the user is.',
    fix: 'Sign in again, or ask the operator.',
    clause: 'consent.page',
  },
  passkey_invalid: {
    codes,
    meaning:
      'The passkey was not accepted: it is unknown, for another site or page, used before, or without user verification.',
    fix: 'Reload the page and try again, or sign in another way.',
    clause: 'account.passkey',
  },
  passkey_copied: {
    codes,
    meaning: 'The counter of the passkey went back, as that of a copy does.',
    fix: 'Sign in another way, and remove the passkey from the account.',
    clause: 'account.counter',
  },
  invitation_invalid: {
    codes,
    meaning: 'The link is unknown, was used, or has expired.',
    fix: 'Ask the operator for another.',
    clause: 'account.credential',
  },
  account_not_linked: {
    codes,
    meaning: 'The account at the provider belongs to another user here, or another user was signed in.',
    fix: 'Sign in as the user who is to have it, and link it again.',
    clause: 'account.link',
  },
  sign_in_way_last: {
    codes,
    meaning: 'Without this passkey or linked account the user could not sign in any more.',
    fix: 'Add another way to sign in first.',
    clause: 'account.last-way',
  },
  user_code_unknown: {
    codes,
    meaning: 'No request waits for this user code.',
    fix: 'Type the code that the device shows.',
    clause: 'device.code',
  },
  guesses_exceeded: {
    codes: ['rate_limited'],
    meaning: 'Too many wrong codes or links were tried.',
    fix: 'Wait for the time that the page names.',
    clause: 'consent.device-guesses',
  },
  quota_exceeded: {
    codes: ['rate_limited'],
    meaning: 'Too many requests of this agent, or of all agents, wait for their users.',
    fix: 'Wait for the seconds in Retry-After; a request ends after ten minutes.',
    clause: 'request.shares',
  },
  asked_too_often: {
    codes: ['rate_limited'],
    meaning: 'The agent has asked the user too often.',
    fix: 'Wait some minutes.',
    clause: 'request.shares',
  },
}
