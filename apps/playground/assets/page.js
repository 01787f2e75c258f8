// Plays a scenario and shows what flowed. Text from messages is only ever set as text.
const status = document.querySelector('#status')
const result = document.querySelector('#result')
const checks = document.querySelector('#checks')
const messages = document.querySelector('#messages')
const buttons = [...document.querySelectorAll('button[data-scenario]')]

const waits = {
  refresh: ' (about 15 seconds: tokens have to end first)',
  device: ' (about 6 seconds: a device asks every 5 how it stands)',
  revocation: ' (about 10 seconds: a resource that was away is told again after 1, 2, 4 and 8)',
}

for (const button of buttons) button.addEventListener('click', () => play(button.dataset.scenario))

async function play(scenario) {
  for (const button of buttons) {
    button.disabled = true
    button.setAttribute('aria-pressed', String(button.dataset.scenario === scenario))
  }
  status.textContent = `Playing ${scenario}…${waits[scenario] ?? ''}`
  try {
    const response = await fetch(`/play/${scenario}`, { method: 'POST' })
    if (!response.ok) throw new Error(await response.text())
    show(await response.json())
  } catch (error) {
    status.textContent = `It could not be played: ${error.message}`
  } finally {
    for (const button of buttons) button.disabled = false
  }
}

function show(played) {
  status.textContent = `${played.title}: ${played.ok ? 'every step was right' : 'something is not as it should be'}, ${played.messages.length} messages.`
  checks.replaceChildren(...played.checks.map(checkItem))
  messages.replaceChildren(...played.messages.map(messageItem))
  result.hidden = false
}

function checkItem({ title, ok, seen }) {
  const item = element('li', seen === undefined ? title : `${title}: ${seen}`)
  item.className = ok ? 'right' : 'wrong'
  return item
}

function messageItem(message) {
  const details = element('details')
  const summary = element('summary')
  summary.append(
    withClass(element('span', message.signer), 'signer'),
    element('span', ' → '),
    withClass(element('span', message.receiver), 'receiver'),
    withClass(element('code', message.asked), 'target'),
    withClass(element('span', String(message.response.status)), `code c${String(message.response.status)[0]}`),
  )
  details.append(
    summary,
    element('h4', 'Request'),
    element('pre', http(`${message.request.method} ${message.request.target}`, message.request)),
    element('h4', 'Response'),
    element('pre', http(String(message.response.status), message.response)),
    ...tokensIn(message),
  )
  const item = element('li')
  item.append(details)
  return item
}

function http(firstLine, { headers, body }) {
  const lines = headers.map(([name, value]) => `${name}: ${value}`)
  return [firstLine, ...lines, '', body.length > 2000 ? `${body.slice(0, 2000)}…` : body].join('\n')
}

function tokensIn(message) {
  const text = JSON.stringify([message.request, message.response])
  const found = new Set(text.match(/eyJ[\w-]+\.eyJ[\w-]+\.[\w-]+/g))
  return [...found].flatMap(token => {
    const [header, payload] = token.split('.').slice(0, 2).map(decode)
    if (header === undefined || payload === undefined) return []
    return [element('h4', `Token: ${header.typ}`), element('pre', JSON.stringify(payload, null, 2))]
  })
}

function decode(part) {
  try {
    const bytes = Uint8Array.from(atob(part.replaceAll('-', '+').replaceAll('_', '/')), letter => letter.charCodeAt(0))
    return JSON.parse(new TextDecoder().decode(bytes))
  } catch {
    return undefined
  }
}

function element(name, text) {
  const made = document.createElement(name)
  if (text !== undefined) made.textContent = text
  return made
}

function withClass(made, name) {
  made.className = name
  return made
}
