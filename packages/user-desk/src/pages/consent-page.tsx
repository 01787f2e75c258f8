/** @jsxImportSource hono/jsx */
import type { JSX } from 'hono/jsx/jsx-runtime'
import { Afterwards } from './afterwards.js'
import { claimedText } from './claimed-text.js'
import { Claims } from './claims.js'
import type { ConsentScope, ConsentView } from './consent-view.js'
import { shownHost } from './host-name.js'
import { messagesOf } from './language.js'
import { document, HiddenFields, Host } from './layout.js'
import { GivenLimits, Limits } from './limits.js'
import type { Look } from './look.js'
import { ScopeList } from './scope-list.js'
import { fill, Sentence } from './sentence.js'
import { wordsMark } from './shown-words.js'
import { WayWarning } from './way-warning.js'
import { WhoAskedWhom } from './who-asked-whom.js'
import { WhoIsSignedIn } from './who-is-signed-in.js'

const longestPurpose = 200

interface Shown {
  readonly view: ConsentView
  readonly look: Look
}

/** The page on which a user decides. Verified facts come first and large; claims stand apart and are marked. */
export function consentPage(view: ConsentView, look: Look): string {
  const { consent } = messagesOf(look)
  return document({
    look,
    title: fill(consent.title, { agent: shownHost(view.agent.id).text }),
    here: view.returnTo,
    children: (
      <>
        <WhoIsSignedIn csrf={view.csrf} returnTo={view.returnTo} user={view.user} look={look} />
        <WhoAsks view={view} look={look} />
        <WayWarning way={view.way} look={look} />
        <Claims view={view} look={look} />
        <form method="post" action={view.action}>
          <HiddenFields fields={{ csrf: view.csrf, words: wordsMark(view), ...view.hidden }} />
          <Problem view={view} look={look} />
          <Scopes view={view} look={look} />
          <Purposes view={view} look={look} />
          <LimitsOf view={view} look={look} />
          {/* Enter presses the first button, so that is the safe one. */}
          <div class="buttons">
            <button class="button" type="submit" name="decision" value="deny">
              {consent.refuse}
            </button>
            <button class="button solid" type="submit" name="decision" value="allow">
              {consent.allow}
            </button>
          </div>
        </form>
        <Afterwards view={view} look={look} />
      </>
    ),
  })
}

function Scopes({ view, look }: Shown): JSX.Element {
  const { resource, scopes, identity, user } = view
  const { consent } = messagesOf(look)
  const shared = { resource, user, look }
  return (
    <>
      <ScopeList legend={fill(consent.legendDo, { at: shownHost(resource).text })} scopes={scopes} {...shared} />
      <ScopeList legend={consent.legendLearn} scopes={identity} {...shared} />
      <Name identity={identity} look={look} />
    </>
  )
}

/** What the access is for, in the resource's words. */
function Purposes({ view: { purposes = [] }, look }: Shown): JSX.Element | null {
  if (purposes.length === 0) return null
  return (
    <div class="purposes">
      <b>{messagesOf(look).limits.purposes}</b>
      <ul>
        {purposes.map(words => (
          <li>
            <bdi>{claimedText(words, longestPurpose)}</bdi>
          </li>
        ))}
      </ul>
    </div>
  )
}

function LimitsOf({ view: { limits, problem }, look }: Shown): JSX.Element | null {
  if (limits === undefined) return null
  return (
    <>
      <GivenLimits limits={limits} look={look} />
      <Limits limits={limits} look={look} isOpen={problem === 'limits-unfit'} />
    </>
  )
}

function Problem({ view, look }: Shown): JSX.Element | null {
  const { consent, limits } = messagesOf(look)
  switch (view.problem) {
    case undefined:
      return null
    case 'nothing-chosen':
      return (
        <p class="care" role="alert">
          <strong>{consent.nothingChosen}</strong> {consent.chooseOne}
        </p>
      )
    case 'words-changed':
      return (
        <p class="care" role="alert">
          <strong>{consent.readAgain}</strong> {fill(consent.wordsChanged, { at: shownHost(view.resource).text })}
        </p>
      )
    case 'limits-unfit':
      return (
        <p class="care" role="alert">
          <strong>{limits.unfit}</strong> {limits.unfitMeans}
        </p>
      )
  }
}

/** Each token holds the user's `sub`, asked for or not, so the page says so: in the list, or in this sentence. */
function Name(o: { readonly identity: readonly ConsentScope[]; readonly look: Look }): JSX.Element | null {
  if (o.identity.some(({ name }) => name === 'openid')) return null
  return <p class="quiet">{messagesOf(o.look).consent.nameGoesAlong}</p>
}

function WhoAsks({ view, look }: Shown): JSX.Element {
  const { agent, resource, scopes } = view
  const { consent } = messagesOf(look)
  const isSignIn = agent.id === resource && scopes.length === 0
  return (
    <>
      <h1 class="asks">
        <Host id={agent.id} class="host" />{' '}
        {isSignIn ? (
          consent.whoYouAre
        ) : (
          <Sentence text={consent.access} parts={{ resource: <Host id={resource} class="to" /> }} />
        )}
      </h1>
      <p class="checked">✓ {isSignIn ? consent.checkedOne : consent.checkedBoth}</p>
      <WhoAskedWhom view={view} look={look} />
    </>
  )
}
