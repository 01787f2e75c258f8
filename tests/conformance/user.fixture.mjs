// A user of an auth server in development, as a program: user.fixture.mjs URL DECISION CODE USER CHOOSE WAIT TASK
// It prints the page on which it has decided.
import { setTimeout as sleep } from 'node:timers/promises'
// The file itself: all of the playground would be loaded anew for each visit.
import { scriptedUser } from '../../apps/playground/dist/story-user.js'

const [url, decision, code, user, choose, wait, task] = process.argv.slice(2)
const name = user === '2' ? 'Grace' : 'Ada'
let [page, last] = ['', '']

/** The page as its user sees it: with `all`, every scope is ticked. */
const ticked = html =>
  choose === 'all' ? html.replace(/<input (?=[^>]*name="scope:)/g, '<input data-ticked="" checked ') : html

/** An account of which a user takes back only single scopes. */
const withoutWholes = html =>
  html.replace(/<form (?:(?!<\/form>).)*<\/form>/gs, form => (/name="(?:scope|subject)"/.test(form) ? form : ''))

const one = scriptedUser(name, async (input, init) => {
  const response = await fetch(input, init)
  const html = ticked(await response.clone().text())
  last = html
  if (task === 'narrow') return new Response(withoutWholes(html), response)
  if (!html.includes('name="decision"')) return response
  // It reads the first page that asks.
  if (page === '') await sleep(Number(wait) * 1000)
  page = html
  const { status, headers } = response
  return new Response(html, { status, headers })
})
const words = decision === 'allow' ? 'Allow' : 'Refuse'
const isRead = task === 'read'
if (task === 'narrow') await one.follow(url, [name, 'Take back'])
else if (task !== 'decide') await one.follow(url, task === 'inbox-on' ? [name, 'Turn the inbox on'] : [name])
// Of the account page: the question that waits.
const [, question] = /href="([^"]*question[^"]*)"/.exec(last) ?? []
if (task === 'inbox') await one.decide(new URL(question.replaceAll('&amp;', '&'), url).href, words)
else if (decision === 'stop') await one.follow(url, [name, 'No, and stop asking'])
else if (task === 'decide')
  await (code === '' ? one.decide(url, words) : one.typeIn({ verification_uri: url, user_code: code }, words))
process.stdout.write(isRead ? last : page)
