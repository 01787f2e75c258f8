import { type AttackCase, built, later } from './attack-case.js'

/** UIX: login and consent pages. */
export const consentCases: readonly AttackCase[] = [
  built('UIX-01', 'consent.parameters', 'A missing, unknown or foreign `request_token` gets a page and no redirect.'),
  built('UIX-02', 'consent.parameters', 'An invalid request never redirects to the URL it names.'),
  built('UIX-03', 'consent.parameters', 'A `redirect_uri` other than the pending one gets a page.'),
  built('UIX-04', 'consent.parameters', 'Parameters of the page cannot change the pending request.'),
  built('UIX-05', 'consent.browser', 'A consent form forged from another site grants nothing.'),
  built('UIX-07', 'consent.browser', 'No page can be framed.'),
  built('UIX-08', 'consent.browser', 'Markup in anything a stranger wrote is inert text.'),
  built('UIX-09', 'consent.browser', 'A logo is never loaded from a third party by the page.'),
  built('UIX-10', 'consent.page', 'A look-alike name stands behind the verified host and is marked.'),
  built('UIX-11', 'consent.page', "Scopes are described only by the resource's own metadata."),
  built('UIX-13', 'consent.code', 'Approving twice makes one code.'),
  built('UIX-15', 'consent.browser', 'A session fixed before login is worthless after it.'),
  built('UIX-17', 'consent.redirect', 'Denial redirects with `access_denied` and ends the request.'),
  built('UIX-18', 'consent.code', 'Going back after approval makes no second code.'),
  built('UIX-19', 'consent.request-token', 'A request expires even while the user is busy with it.'),
  built('UIX-22', 'consent.redirect', 'Any `state` is echoed exactly and encoded.'),
  built('UIX-24', 'consent.redirect', 'Redirects after a form are 303 only.'),
  built('UIX-25', 'consent.browser', 'A code leaks through no referrer, subresource or log.'),
  later('UIX-27', 'consent.browser', 'Login guesses are slowed by account and by network, with one message.'),
  built('UIX-28', 'consent.browser', 'A user cannot be flooded with consent links.'),
  built('UIX-29', 'consent.browser', 'Locale and theme parameters reach no file.'),
  built('UIX-31', 'consent.claimed', 'A request that one browser has claimed is decided in no other.'),
  built('UIX-36', 'consent.claimed', 'A browser that opens a link first and does not sign in keeps it from nobody.'),
  built(
    'UIX-38',
    'consent.words.changed',
    'Words that a resource changed after a yes are shown beside those of the yes.',
  ),
  built('UIX-37', 'consent.told', 'An agent that is not to ask any more is told so, and does not wait.'),
  built('UIX-32', 'consent.page', 'A yes decides the request of its own page, whatever the browser has opened since.'),
  built(
    'UIX-33',
    'consent.redirect-uri.again',
    'No answer, remembered or new, goes to a URL that the agent has given up.',
  ),
  built('UIX-34', 'consent.remembered', 'A remembered yes answers for no other agent, delegate, user or scope.'),
  built('UIX-35', 'consent.remembered', 'A yes to one chain of services answers for no other chain.'),
  built('UIX-30', 'consent.redirect', 'An authorization response carries `iss`.'),
]

/** INT: interaction that a resource starts. */
export const interactionCases: readonly AttackCase[] = [
  built('INT-01', 'interaction.return-url', 'A `return_url` that is not absolute https gets an error page.'),
  built('INT-02', 'interaction.return-url', "A `return_url` that is not the agent's gets an error page."),
  built('INT-03', 'interaction.return-url', 'A `return_url` that parsers read differently gets an error page.'),
  // The catalogue ends a session after some failures. With 256 bits guessing is hopeless, and anyone with the link could end the
  // session for its user. So a network that guesses is told to wait, and correct links still work.
  built('INT-04', 'interaction.bound', 'A session unknown, expired, finished or guessed gets an error page.'),
  built('INT-08', 'interaction.bound', "Another user than the upstream token's is denied."),
  built('INT-10', 'interaction.return-url', 'A `return_url` given twice gets an error page.'),
  built('INT-11', 'interaction.browser', 'Markup in parameters of the page is inert.'),
  built('INT-12', 'interaction.code', 'No token leaves through a redirect or a referrer.'),
  built('INT-14', 'interaction.browser', 'A callback with a missing, wrong or repeated state changes nothing.'),
  built('INT-16', 'link.same-user', 'An account is linked to the user of the upstream token, or to nobody.'),
  built('INT-17', 'link.asks', 'Signing in at two auth servers links no accounts before the user says so.'),
  built('INT-15', 'challenge.user-interaction', 'A caller that is not identified is asked for its identity first.'),
]
