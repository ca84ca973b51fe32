/** Decides which questions share a transaction: all that wait together, in the order in which they were asked. */
import type { BackendError } from '../../fencing/ports.js'
import { faultOf, isLackOfRoom, toldFault } from './faults.js'
import type { Fault, Question, Reply } from './messages.js'
import type { Statements } from './statements.js'

/** How long notes that effects were carried out may wait for a transaction to ride along with. */
const settleDelayMs = 200
const questionsPerTransactionMax = 512
/** Between two parts of what is given back to the disk. */
const givingBackPauseMs = 20

export interface GroupCommitOptions {
  readonly statements: Statements
  readonly file: string
  /** How many records the journal has. */
  readonly records: number
  /** Gives room back to a full disk; false where there is nothing more to give. */
  readonly makeRoom: () => boolean
  /** Is told how many there are once more of them are durable; must not throw. */
  readonly noteRecords: (records: number) => void
  readonly reply: (reply: Reply) => void
  /** Closes the file. */
  readonly close: () => void
  /** Ends the thread, once everything has been replied to. */
  readonly end: () => void
}

const changing: ReadonlySet<Question['kind']> = new Set([
  'append',
  'settle',
  'rebase',
  'noteTries',
  'noteHeard',
])

export class GroupCommit {
  readonly #options: GroupCommitOptions
  #waiting: Question[] = []
  #next: NodeJS.Immediate | undefined
  #settling: NodeJS.Timeout | undefined
  #givingBack: NodeJS.Timeout | undefined
  /** What has been found damaged is not believed again, though another page of it may be whole. */
  #damage: BackendError | undefined

  #records: number

  constructor(options: GroupCommitOptions) {
    this.#options = options
    this.#records = options.records
  }

  take(question: Question): void {
    this.#waiting.push(question)
    if (question.kind === 'settle') {
      this.#settling ??= setTimeout(() => this.#carryOutNext(), settleDelayMs)
    } else {
      this.#continue()
    }
  }

  /** After everything that has arrived by now. */
  #continue(): void {
    this.#next ??= setImmediate(() => this.#carryOutNext())
  }

  #carryOutNext(): void {
    clearTimeout(this.#settling)
    this.#settling = undefined
    this.#next = undefined
    const closing = this.#waiting.findIndex(({ kind }) => kind === 'close')
    const end = Math.min(closing < 0 ? Infinity : closing, questionsPerTransactionMax)
    const questions = this.#waiting.splice(0, end)
    const [close] = this.#waiting
    if (questions.length > 0) this.#carryOut(questions)
    // Notes that could not be recorded stand before it again: nobody waits for them, so they do not hold up the close.
    if (close?.kind === 'close') this.#close(close.id)
    else if (this.#waiting.some(({ kind }) => kind !== 'settle')) this.#continue()
  }

  /** Replies only when all of it is durable; where the transaction itself fails, all of it has failed. */
  #carryOut(questions: readonly Question[]): void {
    const { reply } = this.#options
    try {
      const replies = this.#answerAll(questions)
      this.#count(questions, replies)
      for (const one of replies) reply(one)
      if (questions.some(({ kind }) => kind === 'rebase')) this.#giveBackSoon()
    } catch (error) {
      const fault = this.#faultOf(error)
      for (const { id } of questions) reply({ id, fault })
      // Nobody waits for these: they ride along with a later transaction, or their effects are repeated one day.
      if (fault.code !== 'corrupt') {
        this.#waiting.unshift(...questions.filter(({ kind }) => kind === 'settle'))
      }
    }
  }

  /** In one transaction, and again where there was no room for it and some could be made. */
  #answerAll(questions: readonly Question[]): Reply[] {
    if (this.#damage !== undefined) throw this.#damage
    const { statements, makeRoom } = this.#options
    const changes = questions.some(({ kind }) => changing.has(kind))
    for (;;) {
      try {
        if (changes) statements.begin()
        const replies = questions.map((question) => this.#answer(question))
        if (changes) statements.commit()
        return replies
      } catch (error) {
        this.#rollBack()
        if (!isLackOfRoom(error) || !makeRoom()) throw error
      }
    }
  }

  #count(questions: readonly Question[], replies: readonly Reply[]): void {
    const before = this.#records
    for (const [at, question] of questions.entries()) {
      const isAppended = question.kind === 'append' && replies[at]?.fault === undefined
      if (isAppended) this.#records += question.batch.records.length
    }
    if (this.#records > before) this.#options.noteRecords(this.#records)
  }

  /** A step that fails alone is undone alone. */
  #answer(question: Question): Reply {
    const { id } = question
    try {
      return { id, answer: answerTo(this.#options.statements, question) }
    } catch (error) {
      const isChanging = changing.has(question.kind)
      const { isInTransaction } = this.#options.statements
      if (isChanging && (!isInTransaction || isLackOfRoom(error))) throw error
      return { id, fault: this.#faultOf(error) }
    }
  }

  /** In parts, each when nobody waits. */
  #giveBackSoon(): void {
    this.#givingBack ??= setTimeout(() => {
      this.#givingBack = undefined
      const isIdle = this.#waiting.every(({ kind }) => kind === 'settle')
      if (!isIdle || this.#giveBackPart()) this.#giveBackSoon()
    }, givingBackPauseMs)
  }

  /** Only to make the file smaller: where it fails, the journal goes on in the file as it is. */
  #giveBackPart(): boolean {
    try {
      return this.#options.statements.giveBackPart()
    } catch {
      // It needs some room, and there is none: after the next sealing it is tried again.
      return false
    }
  }

  #close(id: number): void {
    const { reply, close, end } = this.#options
    clearTimeout(this.#givingBack)
    try {
      close()
      reply({ id })
    } catch (error) {
      reply({ id, fault: this.#faultOf(error) })
    }
    end()
  }

  #faultOf(error: unknown): Fault {
    const fault = faultOf(error, this.#options.file)
    if (fault.code === 'corrupt') this.#damage ??= fault
    return toldFault(fault)
  }

  #rollBack(): void {
    try {
      this.#options.statements.rollBack()
    } catch {
      // It was not committed. The next transaction cannot begin, fails as well, and tries this again.
    }
  }
}

function answerTo(statements: Statements, question: Question): unknown {
  switch (question.kind) {
    case 'repositories':
      return statements.repositories()
    case 'head':
      return statements.head(question.repository)
    case 'read':
      return statements.read(question.repository, question.after, question.limit)
    case 'unsettled':
      return statements.unsettled(question.repository)
    case 'append':
      statements.append(question.batch)
      return undefined
    case 'settle':
      statements.settle(question.repository, question.positions)
      return undefined
    case 'base':
      return statements.base(question.repository)
    case 'rebase':
      statements.rebase(question.repository, question.base, question.over)
      return undefined
    case 'tries':
      return statements.tries(question.repository)
    case 'noteTries':
      statements.noteTries(question.repository, question.note)
      return undefined
    case 'heard':
      return statements.heard(question.repository)
    case 'noteHeard':
      statements.noteHeard(question.repository, question.notes)
      return undefined
    case 'close':
      return undefined
  }
}
