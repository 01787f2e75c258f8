import { loopback } from '@countersign/agent/node'
import { type Stage, stepsOf } from '../stage.js'
import type { Asked, StoryUser } from '../story-user.js'

interface Answer {
  readonly birthdays: ReadonlyArray<{ readonly name: string }>
}

/** The calendar gets the data from an address book behind OAuth, which does not know AAuth. */
export async function oauthDownstream(stage: Stage): Promise<void> {
  const { calendar, addressBook } = stage.participants.addresses
  const { code } = await stage.invite()
  // bound: one call
  const asked: Array<Asked & { readonly user: string }> = []
  const people: Readonly<Record<string, StoryUser>> = {
    ada: stage.user('Ada Lovelace'),
    grace: stage.user('Grace Hopper'),
  }
  const open = async (link: string, { user = '' }: { readonly user?: string }): Promise<void> => {
    const somebody = people[user]
    if (somebody === undefined) throw new Error('nobody of that name')
    asked.push({ user, ...(await somebody.decide(link, 'Allow')) })
  }
  const agent = stage.delegate(code, undefined, loopback({ open }))
  const [ada, grace] = [agent.forUser('ada'), agent.forUser('grace')]
  const namesFor = async (view: Pick<typeof ada, 'fetch'>): Promise<string> => {
    const response = await view.fetch(`${calendar}/birthdays`)
    const { birthdays = [] } = (await response.json()) as Partial<Answer>
    return `${response.status} ${birthdays.map(({ name }) => name).join(', ')}`
  }

  const first = await ada.fetch(`${calendar}/birthdays`)
  stage.expect('one call reads the address book', first.status, 200)
  const { birthdays } = (await first.json()) as Answer
  stage.expect('of the user', birthdays.map(({ name }) => name).join(', '), 'Charles Babbage, Mary Somerville')
  stage.expect(
    'she was sent to two pages on the way',
    stepsOf(first)
      .split(' ')
      .filter(step => step === 'interact').length,
    2,
  )
  expectQuestions(stage, asked)
  stage.expect('a second call passes', await namesFor(ada), '200 Charles Babbage, Mary Somerville')
  stage.expect('and nobody is asked again', asked.length, 2)
  stage.expect('another user of the same agent sees her own', await namesFor(grace), '200 Howard Aiken')
  stage.expect('and was asked for herself', asked.map(({ user }) => user).join(' '), 'ada ada grace grace')
  const messages = await stage.messages()
  const told = messages.filter(({ to, response }) => to === calendar && response.body.includes('access_token'))
  stage.expect('no token of the address book ever left the calendar', told.length, 0)
  stage.expect(
    'the first user is still signed in as herself',
    await namesFor(ada),
    '200 Charles Babbage, Mary Somerville',
  )
  stage.expectOther('the address book is another origin, and is called by the calendar alone', addressBook, calendar)
}

function expectQuestions(stage: Stage, [own, theirs]: readonly Asked[]): void {
  stage.expect('first for the calendar', own?.choices.join(), 'See the birthdays of people you know')
  stage.expect('then, by the calendar, to the address book', theirs?.heading, 'The calendar asks for your address book')
  stage.expect('which asked in its own words', theirs?.choices.join(), 'See the birthdays in your address book')
  stage.expect(
    'after the calendar had verified who she is',
    theirs?.before.at(-1),
    `${new URL(stage.participants.addresses.calendar).host} wants to know who you are`,
  )
}
