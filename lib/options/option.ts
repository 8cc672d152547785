/** What a value must be; `value` is what the code that takes it checks itself. */
type OptionKind = 'boolean' | 'choice' | 'function' | 'integer' | 'text' | 'texts' | 'value';

/** How the text of an environment variable becomes a value. */
export type VariableForm = 'boolean' | 'headers' | 'integer' | 'list' | 'text';

/** One option, as its declaration says: a property of an interface, with its docstring. */
export interface Option {
  readonly kind: OptionKind;
  /** The page of the documentation that explains it, where that is not its set's. */
  readonly page?: string;
  readonly required?: true;
  /** What an option that is not given is. Absent where nothing is, or where that depends on other options. */
  readonly default?: boolean | number | string;
  /** The words that a `choice` takes. */
  readonly choices?: readonly string[];
  readonly minimum?: number;
  readonly maximum?: number;
  /** The environment variable that sets it for the zero-code entry. */
  readonly variable?: string;
  /** How that variable is written. */
  readonly form?: VariableForm;
  /** Today's name of an option that goes by an old one. */
  readonly renamedTo?: string;
}

/** The options of one interface, by name. */
export type OptionSet = Readonly<Record<string, Option>>;
