/// The texts of a calibration: statements, opinions and questions of all sentiments, from one word to a paragraph, in
/// the languages of the most used multilingual classifiers. A vocabulary of one language splits the others into
/// characters, bytes or unknown tokens, which a model also meets in service.
pub(in super::super) const TEXTS: [&str; 44] = [
    // English, short.
    "Great!",
    "Terrible.",
    "ok",
    "I love it.",
    "Worst purchase ever, it broke after two days",
    "The package arrived on Tuesday.",
    "not bad at all, honestly better than I expected 😊",
    "@support still waiting for a reply since Monday... #fail",
    "Does anyone know when the store opens tomorrow?",
    "A gripping story, beautifully filmed and never a minute too long.",
    "The plot makes no sense and the acting is wooden.",
    "Sure, because waiting three hours on hold is exactly how I like to spend my Sunday.",
    "The meeting has been moved from room 4 to room 12.",
    "lol this is sooo good 😂😂",
    "I wanted to like this film, but I could not.",
    "RT: Shares fell 3.2% to $41.50 after the company cut its forecast for 2024.",
    "Neither the best nor the worst of the series.",
    "It isn't that the food was bad; it just wasn't worth the price.",
    // English, long.
    "I have stayed at this hotel four times now and every visit has been better than the last. The staff remember your \
     name, breakfast is fresh and generous, and the rooms are spotless. My only wish is that the pool stayed open a \
     little later in the evening, but that is a small thing beside everything they do so well.",
    "We ordered the large sofa in March and were promised delivery within six weeks. After three postponed dates and \
     countless calls it finally came in July, in the wrong color and with a torn cushion. Customer service asked us to \
     send photos, then stopped answering. I would not buy from this company again if it were the last one on earth.",
    "The committee met on Thursday to discuss the budget for the coming year. Members reviewed the figures for roads, \
     schools and public transport, heard two reports from the finance department, and agreed to continue the debate \
     at the next session, which is planned for the second week of November.",
    "The camera is excellent and the screen is bright even in full sun, but the battery hardly lasts an afternoon and \
     the phone becomes too hot to hold while it charges. If they fix that in an update I will be happy to recommend it.",
    // Other languages in Latin script.
    "Das Essen war ausgezeichnet und die Bedienung sehr freundlich.",
    "Leider völlig enttäuschend, das Geld kann man sich sparen.",
    "Le train de 8 h 15 part de la voie numéro 3.",
    "C'est magnifique, je le recommande à tout le monde !",
    "No me gustó nada, llegó tarde y en mal estado.",
    "¡Qué maravilla de concierto! Volveré el año que viene.",
    "Un prodotto nella media, né buono né cattivo.",
    "Péssimo atendimento, nunca mais volto a esta loja.",
    "Bardzo polecam, szybka dostawa i świetna jakość.",
    "Bu filmi hiç beğenmedim, çok sıkıcıydı.",
    "Pelayanannya cepat dan ramah, sangat puas.",
    "Sản phẩm tạm được, giao hàng hơi chậm.",
    // Other scripts.
    "Отличный сервис, всем советую!",
    "Ужасно, деньги на ветер.",
    "这家餐厅的菜很好吃，服务也很周到。",
    "质量太差了，非常失望。",
    "とても面白かったです。また見たいと思います。",
    "배송이 너무 늦고 포장도 엉망이었어요.",
    "خدمة ممتازة وتجربة رائعة",
    "फिल्म बहुत बुरी थी, समय की बर्बादी।",
    // Mixed.
    "10/10 would eat here again 👍🏽🔥 #foodie https://example.com/menu",
    "Update v2.1.3: fixed crash on start; known issue: dark mode (see #412).",
];
