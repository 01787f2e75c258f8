/** Conditions in English. `{names}` stand for what a sentence puts in. */
export const en = {
  /** For dates, numbers and lists. */
  locale: 'en-GB',
  quoted: '“{text}”',
  /** A condition of another resource than the one whose words are at hand. */
  elsewhere: '{host}: {sentence}',
  resources: 'Only at {places}',
  below: 'all sites below {host}',
  permissions: { one: 'Only this permission: {list}', many: 'Only these permissions: {list}' },
  purposes: { one: 'Only for this purpose: {list}', many: 'Only for these purposes: {list}' },
  until: 'Until {date}, {time} ({zone})',
  untilFar: 'Until after the year 9999',
  zone: '{zone} time',
  hours: {
    always: 'At any time',
    allDay: '{days}, all day ({zone})',
    sameDay: '{days}, {from} to {to} ({zone})',
    nextDay: '{days}, {from} to {to} on the next day ({zone})',
    everyDay: 'Every day',
    run: '{first} to {last}',
    days: ['Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday', 'Sunday'] as readonly string[],
  },
  calls: {
    none: 'No calls at all',
    minute: { one: 'At most 1 call a minute', many: 'At most {max} calls a minute' },
    hour: { one: 'At most 1 call an hour', many: 'At most {max} calls an hour' },
    day: { one: 'At most 1 call a day', many: 'At most {max} calls a day' },
    grant: { one: 'At most 1 call in all', many: 'At most {max} calls in all' },
  },
  chain: {
    never: 'Not passed on to other services',
    any: { one: 'Passed on at most once', many: 'Passed on at most {max} times' },
    through: {
      one: 'Passed on at most once, and only by {services}',
      many: 'Passed on at most {max} times, and only by {services}',
    },
  },
  data: 'Only these parts of the answer: {list}',
  arguments: 'For {operation}, only these details: {list}',
  approval: 'You are asked each time before this is done: {list}',
  approvalOfAll: 'You are asked each time before anything is done',
  place: { every: 'each entry', whole: 'everything' },
  rule: {
    anything: '{place}: anything',
    in: '{place}: {values}',
    min: '{place}: at least {value}',
    max: '{place}: at most {value}',
    prefix: '{place}: begins with {value}',
    maxLength: '{place}: at most {value} characters or entries',
  },
  value: { yes: 'yes', no: 'no', none: 'no value' },
}

/** The texts of one language. */
export type Messages = typeof en
