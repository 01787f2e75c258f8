import type { Errand, User } from './user.js'

type Account = Pick<User, 'inbox' | 'account' | 'history' | 'stops' | 'narrows'>

/** Puts what the user is to do in place of the placeholders of a text. */
export function fillErrand(text: string, errand: Errand, encode: (value: string) => string = value => value): string {
  const values: Readonly<Record<string, string>> = {
    url: errand.url,
    decision: errand.decision,
    code: errand.code ?? '',
    user: errand.user,
    choose: errand.choose ?? 'suggested',
    wait: String(errand.wait ?? 0),
    task: errand.task ?? 'decide',
  }
  return text.replace(/\{(url|decision|code|user|choose|wait|task)\}/g, (_, name: string) => encode(values[name] ?? ''))
}

/** What a user can do beside deciding, by the placeholders of its text. */
export function skillsIn(text: string): Pick<User, 'hasOther' | 'takesCodes' | 'chooses' | 'waits'> {
  return {
    hasOther: text.includes('{user}'),
    takesCodes: text.includes('{code}'),
    chooses: text.includes('{choose}'),
    waits: text.includes('{wait}'),
  }
}

/** What a configuration says of the pages of an account. */
export function accountOf(o: { readonly [Name in keyof Account]?: Account[Name] | undefined }): Account {
  return {
    inbox: o.inbox,
    account: o.account,
    history: o.history,
    stops: o.stops === true,
    narrows: o.narrows === true,
  }
}

/** Milliseconds that an errand may take. */
export function timeFor({ wait = 0 }: Errand, deadline: number): number {
  return deadline + wait * 1000
}
