import type { DevTools } from './devtools.js'
import type { DecisionForm } from './user.js'

/** What a page shows. */
export interface Look {
  readonly origin: string
  /** Whether it has loaded, and no button of it was pressed. */
  readonly isReady: boolean
  /** The names of its buttons and links, as a user reads them. */
  readonly buttons: readonly string[]
  readonly heading: string
  readonly html: string
}

/** The name of a button: its text, in single spaces. */
const nameOf = "one => (one.innerText || one.value || '').replace(/\\s+/g, ' ').trim()"
const pressable =
  "[...document.querySelectorAll('button, input[type=submit], a[href]')].filter(one => one.offsetParent !== null)"

const looking = `JSON.stringify({
  origin: location.origin,
  isReady: document.readyState === 'complete' && window.conformancePressed !== true,
  buttons: ${pressable}.map(${nameOf}),
  heading: (document.querySelector('h1')?.innerText ?? document.title).slice(0, 200),
  html: document.documentElement.outerHTML,
})`

/** Looks at a page; undefined while it changes. */
export async function lookAt(devtools: DevTools, session: string): Promise<Look | undefined> {
  const text = await evaluate(devtools, session, looking).catch(() => undefined)
  return typeof text === 'string' ? (JSON.parse(text) as Look) : undefined
}

/** Presses a button. */
export async function press(devtools: DevTools, session: string, name: string): Promise<void> {
  const script = `{
    const found = ${pressable}.find(one => (${nameOf})(one) === ${JSON.stringify(name)})
    window.conformancePressed = found !== undefined
    found?.click()
  }`
  // The page may go away before it has answered.
  await evaluate(devtools, session, script).catch(() => undefined)
}

/** Ticks all boxes of a page. */
export async function chooseAll(devtools: DevTools, session: string): Promise<void> {
  await evaluate(
    devtools,
    session,
    "for (const box of document.querySelectorAll('input[type=checkbox]:not(:checked):not(:disabled)')) box.click()",
  )
}

/** Types into the one text field that a page has. */
export async function type(devtools: DevTools, session: string, text: string): Promise<void> {
  const script = `{
    const field = document.querySelector('input:not([type]), input[type=text]')
    if (field) field.value = ${JSON.stringify(text)}
  }`
  await evaluate(devtools, session, script)
}

/** The form that a button sends, with the button itself; undefined where the button is in none. */
export async function decisionForm(
  devtools: DevTools,
  session: string,
  name: string,
): Promise<DecisionForm | undefined> {
  const script = `{
    const button = ${pressable}.find(one => (${nameOf})(one) === ${JSON.stringify(name)})
    const form = button?.closest('form')
    form && JSON.stringify({ action: form.action, fields: [...new FormData(form), [button.name, button.value]].map(pair => pair.map(String)) })
  }`
  const text = await evaluate(devtools, session, script)
  return typeof text === 'string' ? (JSON.parse(text) as DecisionForm) : undefined
}

async function evaluate(devtools: DevTools, session: string, expression: string): Promise<unknown> {
  const { result } = await devtools.send('Runtime.evaluate', { expression, userGesture: true }, session)
  return (result as { readonly value?: unknown } | undefined)?.value
}
