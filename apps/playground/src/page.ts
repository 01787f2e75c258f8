import { readFileSync } from 'node:fs'
import { Hono } from 'hono'
import { html } from 'hono/html'
import { askedIn, describeMessage, nameOf, signerOf } from './message-line.js'
import type { Participants } from './participants.js'
import { playScenario, type ScenarioName, scenarioNames, scenarioTitle } from './play.js'

const asset = (name: string): string => readFileSync(new URL(`../assets/${name}`, import.meta.url), 'utf8')

/** The page on BASE: lists the participants, plays scenarios, and shows their messages. */
export function playgroundPage(participants: Participants): Hono {
  const { addresses } = participants
  const host = new URL(addresses.page).host
  const app = new Hono()
  let playing: Promise<unknown> = Promise.resolve()
  app.use(async (c, next) => {
    // DNS rebinding: a page of another site that resolves to this machine still sends its own name in Host.
    if (c.req.header('host') !== host) return c.text('this page answers as its own host only', 421)
    const origin = c.req.header('origin')
    // CSRF: a form on another site could start scenarios.
    if (c.req.method !== 'GET' && origin !== addresses.page) return c.text('this page is used from itself only', 403)
    c.header(
      'content-security-policy',
      "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'",
    )
    c.header('x-content-type-options', 'nosniff')
    c.header('referrer-policy', 'no-referrer')
    c.header('cache-control', 'no-store')
    return next()
  })
  app.get('/', c => c.html(document(participants)))
  app.get('/page.js', c => c.body(asset('page.js'), 200, { 'content-type': 'text/javascript; charset=utf-8' }))
  app.get('/page.css', c => c.body(asset('page.css'), 200, { 'content-type': 'text/css; charset=utf-8' }))
  app.post('/play/:scenario', async c => {
    const name = scenarioNames.find(known => known === c.req.param('scenario'))
    if (name === undefined) return c.json({ error: 'no scenario of that name' }, 404)
    // One at a time: two scenarios at once would mix their messages.
    const play = playing.then(() => playScenario(participants, name))
    playing = play.catch(() => undefined)
    const result = await play
    const messages = result.messages.map(message => ({
      ...message,
      line: describeMessage(message, addresses),
      asked: askedIn(message),
      signer: signerOf(message, addresses),
      receiver: nameOf(message.to, addresses),
    }))
    return c.json({ ...result, messages })
  })
  return app
}

function document(participants: Participants): ReturnType<typeof html> {
  const { addresses } = participants
  const people = [
    ['Agent server', addresses.agentServer, 'aauth-agent', 'publishes who the agent is, enrols its delegates'],
    ['Auth server', addresses.authServer, 'aauth-issuer', 'decides, and issues auth tokens bound to the agent’s key'],
    [
      'Auth server of rooms',
      addresses.roomsAuthServer,
      'aauth-issuer',
      'of another domain: its users have other accounts, and it accepts upstream tokens only by a rule',
    ],
    [
      'Calendar',
      addresses.calendar,
      'aauth-resource',
      'a protected API with real public holidays, one route for each level',
    ],
    ['Rooms', addresses.rooms, 'aauth-resource', 'an API that calendar and tools call for their callers'],
    [
      'Address book',
      addresses.addressBook,
      'openid-configuration',
      'an API behind OAuth that does not know AAuth; the calendar calls it for its users',
    ],
    [
      'Tools',
      addresses.tools,
      'aauth-resource',
      'an MCP server: each tool has its own requirement; two call the calendar and rooms for its users',
    ],
    ['Web app', addresses.webApp, 'aauth-agent', 'an agent that signs its users in, with an API for its delegates'],
  ] as const
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Countersign playground</title>
<link rel="stylesheet" href="/page.css">
<script type="module" src="/page.js"></script>
</head>
<body>
<header>
<h1>Countersign <span>playground</span></h1>
<p>Eight participants run on this machine, each in a process of its own. Play a story and read every message.</p>
</header>
<main>
<section aria-labelledby="participants">
<h2 id="participants">Participants</h2>
<ul class="participants">
${people.map(([name, id, document, what]) => html`<li><h3>${name}</h3><p>${what}</p><code>${id}</code><p><a href="${id}/.well-known/${document}">metadata</a></p></li>`)}
</ul>
</section>
<section aria-labelledby="stories">
<h2 id="stories">Stories</h2>
<div class="stories">
${scenarioNames.map((name: ScenarioName) => html`<button type="button" data-scenario="${name}"><strong>${name}</strong> ${scenarioTitle(name)}</button>`)}
</div>
<p id="status" role="status">Choose a story.</p>
</section>
<section id="result" aria-labelledby="outcome" hidden>
<h2 id="outcome">Outcome</h2>
<ul id="checks" class="checks"></ul>
<h2>Messages</h2>
<ol id="messages" class="messages"></ol>
</section>
</main>
<footer><p>Development mode, loopback only. Tokens shown here are worth nothing elsewhere: each is bound to a key.</p></footer>
</body>
</html>`
}
