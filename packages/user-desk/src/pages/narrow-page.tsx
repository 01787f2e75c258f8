/** @jsxImportSource hono/jsx */
import type { JSX } from 'hono/jsx/jsx-runtime'
import { claimedText } from './claimed-text.js'
import { messagesOf } from './language.js'
import { document, HiddenFields, Host } from './layout.js'
import { GivenLimits, LimitFields } from './limits.js'
import { type LimitsView, offersAny } from './limits-view.js'
import type { Look } from './look.js'
import type { PageUser } from './page-user.js'
import { Sentence } from './sentence.js'
import { wordsMark } from './shown-words.js'
import { WhoIsSignedIn } from './who-is-signed-in.js'

const longestDelegate = 80

/** The page on which a user adds limits to what an agent has already. */
export interface NarrowView {
  readonly csrf: string
  readonly user: PageUser
  readonly what: { readonly agent: string; readonly delegate: string; readonly resource: string }
  /** `counted`: how much of what is given allows a number of calls in all. That cannot be narrowed. */
  readonly limits: LimitsView & { readonly counted: 'none' | 'some' | 'all' }
  /** Where the page can be had again. */
  readonly here: string
  readonly problem?: 'limits-unfit' | undefined
}

interface Shown {
  readonly view: NarrowView
  readonly look: Look
}

/** The limits of one access, and a form that adds more. */
export function narrowPage(view: NarrowView, look: Look): string {
  const { limits: texts } = messagesOf(look)
  const { agent, resource } = view.what
  return document({
    look,
    title: texts.narrow,
    here: view.here,
    children: (
      <>
        <WhoIsSignedIn csrf={view.csrf} returnTo="/account" user={view.user} look={look} />
        <h1>{texts.narrow}</h1>
        <p>
          <Sentence
            text={texts.narrowWhom}
            parts={{ agent: <Host id={agent} class="to" />, resource: <Host id={resource} class="to" /> }}
          />
          <Part view={view} look={look} />
        </p>
        <GivenLimits limits={view.limits} look={look} />
        {view.problem === undefined ? null : (
          <p class="care" role="alert">
            <strong>{texts.unfit}</strong> {texts.chooseFit}
          </p>
        )}
        {offersAny(view.limits.offered) ? (
          <Form view={view} look={look} />
        ) : (
          <p>{view.limits.counted === 'all' ? texts.allCounted : texts.noneOffered}</p>
        )}
        <p class="back">
          <a href="/account">{texts.back}</a>
        </p>
      </>
    ),
  })
}

function Part({ view, look }: Shown): JSX.Element | null {
  const { account, common } = messagesOf(look)
  const { delegate } = view.what
  if (delegate === '') return null
  const part = claimedText(delegate, longestDelegate)
  return (
    <small>
      {' '}
      <Sentence text={account.forPart} parts={{ part: <bdi>{part === '' ? common.unshowable : part}</bdi> }} />
    </small>
  )
}

function Form({ view, look }: Shown): JSX.Element {
  const { limits: texts } = messagesOf(look)
  const { agent, delegate, resource } = view.what
  return (
    <form method="post" action="/account/limits">
      <HiddenFields
        fields={{
          csrf: view.csrf,
          words: wordsMark({ scopes: [], limits: view.limits }),
          agent,
          resource,
          ...(delegate === '' ? { own: '1' } : { delegate }),
        }}
      />
      <div class="limits open">
        <LimitFields limits={view.limits} look={look} />
      </div>
      <p class="quiet">{texts.narrowMeans}</p>
      {view.limits.counted === 'some' ? <p>{texts.someCounted}</p> : null}
      <button class="button solid" type="submit">
        {texts.narrowButton}
      </button>
    </form>
  )
}
