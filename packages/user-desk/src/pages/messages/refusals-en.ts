import type { ErrorCode, Reason } from '@countersign/protocol'

/** What an error page says of a refusal. */
export interface ShownRefusal {
  readonly code: ErrorCode
  readonly reason: Reason
  /** What is at fault, where the reason fits several things. */
  readonly about?: string | undefined
  /** The sentence of the reason, for developers. */
  readonly description: string
}

/** Texts for users, by reason, or by reason and what it is about. Each fits every place that gives it. */
export type RefusalTexts = Readonly<Partial<Record<Reason | `${Reason}: ${string}`, string>>>

/** The text for a refusal, if there is one of its own. */
export function refusalText(
  texts: RefusalTexts,
  { reason, about }: Pick<ShownRefusal, 'reason' | 'about'>,
): string | undefined {
  return texts[`${reason}: ${about}`] ?? texts[reason]
}

/** Why something was refused, in English. */
export const refusalsEn: RefusalTexts = {
  account_not_linked: 'That account signs another user in here. Nothing was linked. Sign in with it to see which.',
  'account_not_linked: a deleted account': 'This account was deleted. Nothing was linked.',
  'account_not_linked: begun in another session': 'This was not begun in this session. Nothing was linked.',
  'account_not_linked: signed out': 'You are no longer signed in. Nothing was linked.',
  approval_stopped: 'This agent was told to stop asking. Its user can change that under Approvals on the account page.',
  asked_too_often: 'This agent has asked you too often. Try again in a few minutes.',
  content_type_unsupported: 'This form was not sent as this page sends it.',
  dependency_unavailable: 'A service that this needs does not answer. Try again later.',
  'dependency_unavailable: the sign-in': 'The service that signs you in does not answer. Try again later.',
  form_incomplete:
    'The form lacks a field, or has a value that does not fit this page. Go back and look at each field.',
  'form_incomplete: an access that is not there': 'There is no such access.',
  'form_incomplete: neither yes nor no': 'The form says neither yes nor no.',
  'form_incomplete: the box that says you are sure': 'Tick the box that says you are sure.',
  guesses_exceeded: 'Too many wrong codes. Wait ten minutes.',
  internal_error: 'The server failed. Try again later.',
  invitation_invalid: 'This link is unknown, was used before, or has expired. Ask the operator for another.',
  link_changed: 'This link was changed after the agent made it. Begin again at the agent.',
  link_invalid: 'This link is not valid, or has expired. Begin again at the agent.',
  link_of_another_browser:
    'Another browser has opened this request, or this one keeps no cookies. Begin again at the agent.',
  page_not_from_here: 'This form did not come from this page, or the page was too old. Go back and reload it.',
  parameter_malformed: 'The link names no page of this server.',
  parameter_too_long: 'This sign-in is too long for the cookies of a browser.',
  passkey_copied:
    'This passkey was not accepted: its counter went back, as that of a copy does. Sign in another way, and remove it from your account.',
  passkey_invalid: 'This passkey was not accepted. Go back, reload the page and try again.',
  'passkey_invalid: an account with all passkeys that it may have':
    'You have as many passkeys as an account may have: remove one first.',
  rate_exceeded: 'There were too many requests of you, or from your network. Wait a minute.',
  redirect_uri_unregistered: 'The agent no longer takes answers at the address that it gave. Begin again at the agent.',
  request_ended: 'This was decided before, or has ended. Begin again at the agent.',
  'request_ended: a device code': 'This was decided before, or the code has expired.',
  'request_ended: an open question': 'There is no such open question: it was answered, has ended, or never was.',
  sign_in_cancelled: 'The sign-in was cancelled.',
  sign_in_failed: 'The service that signs you in did not confirm who you are.',
  'sign_in_failed: no session of the site': 'You are not signed in at the website that signs you in here.',
  sign_in_invalid: 'This sign-in was not begun in this browser, or too long ago. Begin again.',
  sign_in_way_last: 'This is your last way to sign in. Add another one before you remove it.',
  signed_out: 'You are no longer signed in.',
  user_blocked: 'The operator of this auth server has blocked this account.',
  user_mismatched:
    'This request is for another user than the one who is signed in here. If you did not begin it yourself, close this page. If you did, sign out and begin again as the right user.',
}
