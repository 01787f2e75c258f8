import type { ChromiumUser } from '../config/user-configuration.js'
import { type DevTools, startChromium } from './devtools.js'
import { accountOf, timeFor } from './errand-words.js'
import { chooseAll, decisionForm, type Look, lookAt, press, type } from './page-script.js'
import { type Acted, type Errand, longestPage, type User } from './user.js'

/** A user in a headless Chromium; each errand has a browser context without cookies. */
export function openChromium(configuration: ChromiumUser): User {
  let started: DevTools | undefined
  return {
    hasOther: configuration.signInOther !== undefined,
    takesCodes: configuration.enter !== undefined,
    opensTabs: true,
    chooses: true,
    waits: true,
    ...accountOf({ ...configuration, stops: configuration.stop !== undefined }),
    async act(errand) {
      started ??= startChromium(configuration.chromium, configuration.arguments)
      try {
        return await visit(started, configuration, errand)
      } catch (error) {
        return { succeeded: false, detail: error instanceof Error ? error.message : 'Chromium failed' }
      }
    },
    async close() {
      await started?.close()
    },
  }
}

/** A page of the browser, and what its errand needs. */
interface Tab {
  readonly devtools: DevTools
  readonly session: string
  readonly errand: Errand
  readonly configuration: ChromiumUser
  /** Where the auth server is. */
  readonly home: string
  /** Opens another tab beside it, and resolves once that shows a page of the auth server, or after 3 s. */
  readonly openBeside: (url: string) => Promise<void>
}

async function visit(devtools: DevTools, configuration: ChromiumUser, errand: Errand): Promise<Acted> {
  const { browserContextId } = await devtools.send('Target.createBrowserContext')
  const home = new URL(errand.url).origin
  const openSession = async (): Promise<string> => {
    const { targetId } = await devtools.send('Target.createTarget', { url: 'about:blank', browserContextId })
    const { sessionId } = await devtools.send('Target.attachToTarget', { targetId, flatten: true })
    return String(sessionId)
  }
  const openBeside = async (url: string): Promise<void> => {
    const session = await openSession()
    await devtools.send('Page.navigate', { url }, session)
    for (let tries = 0; tries < 75; tries++) {
      const look = await lookAt(devtools, session)
      if (look?.origin === home && look.isReady) return
      await pause()
    }
  }
  try {
    const session = await openSession()
    return await act({ devtools, session, errand, configuration, home, openBeside })
  } finally {
    await devtools.send('Target.disposeBrowserContext', { browserContextId }).catch(() => undefined)
  }
}

async function act(tab: Tab): Promise<Acted> {
  const { devtools, session, errand, home } = tab
  const redirects: number[] = []
  const deaf = devtools.hear(session, (method, params) => {
    const status = method === 'Network.requestWillBeSent' ? leavingStatus(params, home) : undefined
    if (status !== undefined) redirects.push(status)
  })
  try {
    await devtools.send('Network.enable', {}, session)
    await devtools.send('Page.enable', {}, session)
    await devtools.send('Page.navigate', { url: errand.url }, session)
    return { ...(await decide(tab)), redirects }
  } finally {
    deaf()
  }
}

/** The status of a redirect that leads a document from the auth server to another origin. */
function leavingStatus(params: Readonly<Record<string, unknown>>, home: string): number | undefined {
  const { request, redirectResponse } = params as {
    readonly request?: { readonly url: string }
    readonly redirectResponse?: { readonly url: string; readonly status: number }
  }
  if (params['type'] !== 'Document' || redirectResponse === undefined || request === undefined) return undefined
  const leaves = new URL(redirectResponse.url).origin === home && new URL(request.url).origin !== home
  return leaves ? redirectResponse.status : undefined
}

/** Presses what the pages show, until the browser has left the auth server or the decision has been taken. */
async function decide(tab: Tab): Promise<Acted> {
  const { devtools, session, configuration, errand, home } = tab
  const { deadline, signIn, signInOther = [], enter } = configuration
  const decisions = decisionsOf(errand, configuration)
  const ways = errand.user === '1' ? signIn : signInOther
  const until = Date.now() + timeFor(errand, deadline)
  let page: string | undefined
  let [signed, typed, moved] = [0, false, Date.now()]
  let question = errand.task === 'inbox' ? configuration.question : undefined
  while (Date.now() < until) {
    const look = await lookAt(devtools, session)
    if (look === undefined || !look.isReady) {
      await pause()
      continue
    }
    if (look.origin !== home && look.origin !== 'null')
      return { succeeded: true, detail: 'the browser was led away', page }
    const next = nextButton(look, {
      decisions,
      question,
      way: ways[signed],
      enter: typed ? undefined : enter,
      code: errand.code,
    })
    if (next === undefined) {
      if (page !== undefined) return { succeeded: true, detail: `the page says: ${look.heading}`, page }
      if (errand.task === 'read' && Date.now() - moved > 1000)
        return { succeeded: true, detail: `the page says: ${look.heading}`, page: look.html.slice(0, longestPage) }
      // A page may still be on its way.
      if (Date.now() - moved > 3000)
        return { succeeded: false, detail: `the page offers nothing to press: ${look.heading}` }
      await pause()
      continue
    }
    if (next.kind === 'decision' && page === undefined) await readPage(tab, look)
    if (next.kind === 'decision' && errand.choose === 'all') await chooseAll(devtools, session)
    if (next.kind === 'decision') page = look.html.slice(0, longestPage)
    if (next.kind === 'enter') await type(devtools, session, errand.code ?? '')
    await press(devtools, session, next.name)
    if (next.kind === 'sign-in') signed++
    if (next.kind === 'question') question = undefined
    if (next.kind === 'enter') typed = true
    moved = Date.now()
  }
  return { succeeded: false, detail: `the user did not get through within ${deadline} ms` }
}

/** What is pressed on a page that asks. */
function decisionsOf({ task, decision }: Errand, o: ChromiumUser): readonly string[] {
  const { allow, refuse, stop = [], turnOn = [] } = o
  if (task === 'read') return []
  if (task === 'inbox-on') return turnOn
  if (decision === 'stop') return stop
  return decision === 'allow' ? allow : refuse
}

/** What a user does before they decide for the first time. */
async function readPage(tab: Tab, look: Look): Promise<void> {
  await visitMeanwhile(tab, look)
  await new Promise(resolve => setTimeout(resolve, (tab.errand.wait ?? 0) * 1000))
}

/** Visits another page in the browser of a user who is about to decide. */
async function visitMeanwhile(
  { devtools, session, configuration, errand, openBeside }: Tab,
  look: Look,
): Promise<void> {
  const { meanwhile } = errand
  const allow = configuration.allow.flatMap(words => buttonNamed(look, words) ?? [])[0]
  if (meanwhile === undefined || allow === undefined) return
  const form = await decisionForm(devtools, session, allow)
  if (form !== undefined) await openBeside(meanwhile(form))
}

interface Next {
  readonly kind: 'decision' | 'question' | 'sign-in' | 'enter'
  readonly name: string
}

function nextButton(
  look: Look,
  o: {
    readonly decisions: readonly string[]
    /** What opens a question of the inbox, until it was pressed: its page may have other buttons. */
    readonly question: string | undefined
    readonly way: string | undefined
    readonly enter: string | undefined
    readonly code: string | undefined
  },
): Next | undefined {
  const question = buttonNamed(look, o.question)
  if (question !== undefined) return { kind: 'question', name: question }
  for (const words of o.question === undefined ? o.decisions : []) {
    const name = buttonNamed(look, words)
    if (name !== undefined) return { kind: 'decision', name }
  }
  const way = buttonNamed(look, o.way)
  if (way !== undefined) return { kind: 'sign-in', name: way }
  const enter = o.code === undefined ? undefined : buttonNamed(look, o.enter)
  return enter === undefined ? undefined : { kind: 'enter', name: enter }
}

/** The name of the button that these words begin. */
function buttonNamed(look: Look, words: string | undefined): string | undefined {
  return words === undefined ? undefined : look.buttons.find(name => name === words || name.startsWith(`${words} `))
}

function pause(): Promise<void> {
  return new Promise(resolve => setTimeout(resolve, 40))
}
