import { loopback } from '@countersign/agent/node'
import { requestTypes, type Stage } from '../stage.js'

/** A web app signs its users in at the auth server; its delegate shows the same kind of token at its API. */
export async function sso(stage: Stage): Promise<void> {
  const { webApp, authServer } = stage.participants.addresses
  const [ada, alan, grace] = [stage.user('Ada Lovelace'), stage.user('Alan Turing'), stage.user('Grace Hopper')]

  stage.expect('at first nobody is signed in', await ada.look(webApp), 'Nobody is signed in')
  const hers = await ada.decide(`${webApp}/sign-in`, 'Allow')
  const { host } = new URL(webApp)
  stage.expect('the auth server says who asks, and for what', hers.heading, `${host} wants to know who you are`)
  const told = ['Your name: Ada Lovelace', 'Your e-mail address: ada@demo.example']
  stage.expect('and what it would tell', hers.choices.slice(-2).join(), told.join())
  stage.expect('she agrees, and the app knows her', hers.ended, 'Hello Ada Lovelace')
  const no = await alan.decide(`${webApp}/sign-in`, 'Refuse')
  stage.expect('another user refuses, and is not signed in', no.ended, 'You were not signed in')
  const yes = await grace.decide(`${webApp}/sign-in`, 'Allow')
  stage.expect('a third user agrees, and is signed in', yes.ended, 'Hello Grace Hopper')
  stage.expect('the first user is still signed in as herself', await ada.look(webApp), 'Hello Ada Lovelace')
  stage.expect('she signs in again and is not asked', await ada.look(`${webApp}/sign-in`), 'Hello Ada Lovelace')
  stage.expect(
    'of the four sign-ins each began with a request, and the refused one got no code',
    requestTypes(await stage.messages()),
    'auth code auth auth code auth code',
  )

  const open = async (link: string): Promise<void> => void (await ada.decide(link, 'Allow'))
  const phone = (await stage.webAppDelegate(loopback({ open }))).forUser('ada')
  const user = await phone.signIn({ authServer, scope: 'openid profile email' })
  stage.expect('a delegate of the app signs her in, too', user.claims['name'], 'Ada Lovelace')
  const before = requestTypes(await stage.messages())
  const answer = await phone.fetch(`${webApp}/api/me`)
  stage.expect('the API of the app lets the delegate in', answer.status, 200)
  const me = (await answer.json()) as Partial<typeof user & { delegate: string }>
  stage.expect('as the same user', `${me.iss} ${me.sub}`, `${user.iss} ${user.sub}`)
  stage.expectOther('and the API knows which delegate', me.delegate, undefined)
  stage.expect('with the token it had: no request to the auth server', requestTypes(await stage.messages()), before)
  const stranger = await fetch(`${webApp}/api/me`)
  stage.expect('a call without a token is refused', stranger.status, 401)
}
