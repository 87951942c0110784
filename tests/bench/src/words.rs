//! Texts with a natural distribution of words: the most frequent English words in their order, then made-up ones (product
//! names, places, surnames), drawn by Zipf's law. Texts of real people compress neither as well as repeated sentences nor
//! as badly as random letters.

use rand::{Rng, RngExt};

/// The most frequent words, roughly in order, with what people write to a shop or an office.
const COMMON: &str = "the to you I and a it for is we of in that on your can be have with my this are me not if at but do just \
so what will was no when get from or our out up like know it's I'm as by an how any please there they thanks all one would \
time now about could still today order don't see need he more has been then she their go here also let good yes after \
which some thank tomorrow back want call sure who us really them make only new work next week day think did had got over \
it'll help right going am okay morning right before her number check where way come sorry him two into send delivery last \
take many look does were great price first much other well house may pay best since his these long can't minutes sent \
already phone again find should made home try too because give off very than later sounds Friday Monday free available \
soon put same message wait both address happy money another pick something anything haven't appointment Tuesday line even \
hear around old door between store size tell down customer color each change hours must people Saturday Thursday through \
most every Wednesday arrived package bring believe love small large leave late hope won't read payment live confirm few \
office never name car ready details half week's hi hello hey quote estimate roof kitchen window paint floor water install \
crew team manager schedule scheduled installer visit measure materials deposit invoice contract warranty repair service \
black white blue red green grey medium jacket shirt shoes discount code cart checkout shipping tracking refund return \
exchange label box damaged missing wrong stock item items website link click email card balance account total tax receipt \
problem issue question answer photo picture photos inside outside side front top end start open closed close early noon \
afternoon evening night weekend month year July August September October March April summer winter spring kids wife \
husband dog family friend friends neighbor street road city parking gate key keys garage garden yard fence bathroom \
shower tile wood door's oak steel glass metal plastic leather cotton wool two-tone three four five six seven eight nine ten \
twenty thirty fifty hundred second third once twice always sometimes maybe probably perhaps definitely actually exactly \
quick quickly slow fast cheap expensive better worse nice beautiful perfect awesome amazing terrible fine easy hard heavy \
light dark hot cold warm dry wet clean dirty broken loose tight left straight above below behind beside under until while \
during without within against along across near far away together apart enough less least almost nearly quite rather \
able unable possible impossible different similar same-day special regular standard express local international order's \
understand remember forget forgot explain discuss decide decided choose chose pick-up drop-off meet met meeting talk \
talked speak spoke ask asked asking reply replied write wrote written type typed text texted show showed shown move moved \
turn turned keep kept hold held carry carried cut fix fixed fit fits fitted wear wore wash washed use used using add added \
remove removed replace replaced cancel cancelled postpone delay delayed finish finished complete completed begin began \
begun stop stopped continue continued follow followed lead led run ran walk walked drive drove driving park parked arrive \
leave leaving stay stayed return returned receive received accept accepted approve approved sign signed agree agreed \
offer offered save saved spend spent cost costs worth value buy bought sell sold rent lease own owner owned";

const SYLLABLES: &[&str] = &[
    "al", "an", "ar", "ba", "bel", "bor", "ca", "cor", "da", "del", "do", "el", "en", "er", "fa", "fer", "ga", "gor",
    "ha", "hol", "in", "is", "ja", "jo", "ka", "kel", "la", "len", "lo", "ma", "mar", "mi", "na", "nel", "no", "o",
    "or", "pa", "per", "qui", "ra", "ren", "ro", "sa", "sel", "shi", "so", "ta", "ter", "to", "u", "va", "ver", "wa",
    "wil", "xa", "ya", "zo",
];

/// Words that are drawn by rank.
#[derive(Debug)]
pub struct Words {
    words: Vec<String>,
    /// Cumulated weights.
    upto: Vec<f64>,
}

/// Different words that a workspace's customers use.
const VOCABULARY: usize = 8_000;

impl Words {
    /// The vocabulary; the same one for the same generator.
    pub fn new(rng: &mut dyn Rng) -> Self {
        let mut words: Vec<String> = COMMON.split_whitespace().map(str::to_owned).collect();
        while words.len() < VOCABULARY {
            words.push(made_up(rng));
        }
        let mut sum = 0.0;
        let upto = (1..=words.len())
            .map(|rank| {
                // Zipf with Mandelbrot's shift, as measured on English.
                sum += 1.0 / (rank as f64 + 2.7);
                sum
            })
            .collect();
        Self { words, upto }
    }

    /// One word.
    pub fn word(&self, rng: &mut dyn Rng) -> &str {
        let at = rng.random_range(0.0..self.upto[self.upto.len() - 1]);
        &self.words[self.upto.partition_point(|upto| *upto <= at)]
    }

    /// A text of 20 to 160 characters, with sentences, and a number now and then.
    pub fn text(&self, rng: &mut dyn Rng) -> String {
        // The mean of two throws: short and very long ones are rarer than those in between.
        let length = (rng.random_range(20..=160) + rng.random_range(20..=160)) / 2;
        let mut text = String::with_capacity(length + 16);
        let mut begins = true;
        while text.len() < length {
            if !text.is_empty() {
                text.push(' ');
            }
            let number = rng.random_range(0..24) == 0;
            let word = if number { rng.random_range(1..2500).to_string() } else { self.word(rng).to_owned() };
            if begins {
                text.extend(word.chars().take(1).flat_map(char::to_uppercase));
                text.push_str(word.get(1..).unwrap_or_default());
            } else {
                text.push_str(&word);
            }
            begins = rng.random_range(0..9) == 0;
            if begins {
                text.push(['.', '.', '.', '?', '!'][rng.random_range(0..5)]);
            }
        }
        text.truncate(length.max(20));
        let kept = text.trim_end().len();
        text.truncate(kept);
        while text.len() < 20 {
            text.push('.');
        }
        text
    }
}

/// A word that no list has.
fn made_up(rng: &mut dyn Rng) -> String {
    (0..rng.random_range(2..=4)).map(|_| SYLLABLES[rng.random_range(0..SYLLABLES.len())]).collect()
}

/// A person's name.
pub fn name(rng: &mut dyn Rng) -> String {
    let mut part = || {
        let word = made_up(rng);
        let (head, tail) = word.split_at(1);
        format!("{}{tail}", head.to_uppercase())
    };
    format!("{} {}", part(), part())
}
